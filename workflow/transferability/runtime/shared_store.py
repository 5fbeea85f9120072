"""One store for all studies of the same images (config key dataset.store): packed once, and linked by every study."""

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
LOOKS = 16  # files whose size and time are read in parallel: network file systems take long for each


def pack_shared(files: ImageFiles, where: StoreFiles, square: Square, processes: int, code: str, shelf: Path) -> None:
    """Call `packing.pack` in a directory below `shelf` that is shared by all studies of these images and squares.

    The files of `where` become links to the shared files: hard links on the same file system, else symbolic links. A
    complete, intact store is used as it is. An unfinished store is completed. A damaged store, or one whose images have
    changed, is packed again; hard links of other studies keep the old content. Raises what `pack` raises.
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
    # Copied, not linked: the timestamp of a linked file would be shared with all other studies.
    write_text(where.description, there.description.read_text(encoding="utf-8"))


def _home(files: ImageFiles, index: Path, square: Square, code: str, shelf: Path) -> Path:
    """The directory of a store, named after a checksum of what determines its pixels: files, settings and code."""
    key = fingerprint([file_sha256(index), files.layout, str(files.root.resolve()), asdict(square), code])
    return shelf / key[:16]


def _stamp(files: ImageFiles) -> str:
    """A checksum of the names, sizes and times of all images: paths alone would not show that an image was replaced."""
    chunks = [range(start, min(start + CHUNK, len(files.paths))) for start in range(0, len(files.paths), CHUNK)]
    with ThreadPoolExecutor(LOOKS) as pool:
        return fingerprint(list(pool.map(files.stamp, chunks)))


def _is_whole(there: StoreFiles, square: Square, note: Path, images: dict) -> bool:
    """Whether a store exists, was made from these images, and every image matches its checksum."""
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
        log.warning("%s; packing it again", error)
        return False
    return True


def _link(shared: Path, own: Path) -> None:
    """Link a study's file to the shared file, and make it newer than the study's index, as Snakemake expects."""
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
