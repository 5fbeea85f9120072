"""One store for all studies of the same images (config key dataset.store): packed by one, linked to by the others."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from transferability.common.atomic_files import UNFINISHED, write_text
from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.errors import InputError
from transferability.datasets.image_files import CHUNK, ImageFiles
from transferability.runtime.locks import file_lock
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles, open_store
from transferability.store.square import Square

log = logging.getLogger(__name__)

CHECKED = 500  # images that are compared with their checksums at a time
LOOKS = 16  # files whose size and time are asked for at a time: network file systems take a while to answer each


def pack_shared(files: ImageFiles, where: StoreFiles, square: Square, processes: int, code: str, shelf: Path) -> None:
    """Do what `packing.pack` does, in a directory below `shelf` that all studies of these images and squares share.

    The files of `where` become links to those there, hard ones on the same file system, else symbolic ones. A store
    that is there and whole is taken as it is. A half-made one is finished. One that is damaged, or whose images have
    changed since, is packed again: other studies' hard links stay what they are. Raises what `pack` raises.
    """
    home = _home(files, where.index, square, code, shelf)
    there = StoreFiles(where.index, home / "store.npy", home / "store.crc32.npy", home / "store.json")
    images = {"layout": files.layout, "root": str(files.root.absolute()), **asdict(square)}
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"config key dataset.store: cannot write to {shelf} ({error}); give a directory") from error
    with file_lock(home / "lock", "packs these images"):
        images["stamp"] = _stamp(files)
        if _is_whole(there, square, home / "images.json", images):
            log.info("found the store at %s: nothing is packed", home)
        else:
            log.info("packing into %s, for all studies of these images", home)
            pack(files, there, square, processes, code, home / "pack.jsonl")
            write_text(home / "images.json", json.dumps(images, indent=1) + "\n")
        _link(there.store, where.store)
        _link(there.checksums, where.checksums)
    # This one is the study's own, so that networks are trained after it: of links the time is that of all studies.
    write_text(where.description, there.description.read_text(encoding="utf-8"))


def _home(files: ImageFiles, index: Path, square: Square, code: str, shelf: Path) -> Path:
    """The directory of a store, by what decides its pixels: which files, and what is made of them."""
    key = fingerprint([file_sha256(index), files.layout, str(files.root.resolve()), asdict(square), code])
    return shelf / key[:16]


def _stamp(files: ImageFiles) -> str:
    """A checksum of the names, sizes and times of all images: paths alone do not tell that one was replaced."""
    chunks = [range(start, min(start + CHUNK, len(files.paths))) for start in range(0, len(files.paths), CHUNK)]
    with ThreadPoolExecutor(LOOKS) as pool:
        return fingerprint(list(pool.map(files.stamp, chunks)))


def _is_whole(there: StoreFiles, square: Square, note: Path, images: dict) -> bool:
    """Whether a store is there, made of these images, and every one of them is as its checksum says."""
    if not there.store.exists():
        return False
    try:
        if json.loads(note.read_text(encoding="utf-8")) != images:
            log.info("images have changed since %s was packed", there.store)
            return False
        store = open_store(there, square)
        for start in range(0, store.shape[0], CHECKED):
            store[np.arange(start, min(start + CHECKED, store.shape[0]))]
    except (OSError, ValueError, InputError) as error:
        log.warning("%s; packs it again", error)
        return False
    return True


def _link(shared: Path, own: Path) -> None:
    """Let a study's file be the shared one, and as new as the study's index, which Snakemake compares it with."""
    unfinished = own.with_name(own.name + UNFINISHED)
    with suppress(FileNotFoundError):
        unfinished.unlink()
    try:
        os.link(shared, unfinished)
        os.utime(unfinished)
    except OSError:  # another file system, one without hard links, or another user's file
        with suppress(FileNotFoundError):
            unfinished.unlink()
        unfinished.symlink_to(shared.absolute())
    unfinished.replace(own)
