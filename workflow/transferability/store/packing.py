"""Packing: decoding every image of the set once, into the store."""

import json
import math
import shutil
import zlib
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from transferability.common.atomic_files import atomic_write, write_text
from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.errors import InputError
from transferability.datasets.image_files import ImageFiles, work_through
from transferability.store.decoding import read_image, told_once, try_to_decode
from transferability.store.reading import StoreFiles, pixels_sha256
from transferability.store.square import Square


def pack(files: ImageFiles, where: StoreFiles, square: Square, processes: int, code: str, notes: Path) -> None:
    """Decode the images of an index to squares as `square` specifies, write them to a store, and show progress.

    The store appears under its name only when it is complete. Until then a call resumes where an earlier one ended,
    from the journal at `notes`, if that one had the same `square` and the same `code`, a checksum. Raises an InputError
    that lists every image that cannot be decoded.
    """
    images, size = len(files.paths), square.size
    with atomic_write(where.store, keep=True) as unfinished:  # renamed last: if the store exists, all its files do
        _create(unfinished, (images, size, size, 3))
        work = partial(_pack_chunk, store=unfinished, square=square, code=fingerprint([code, asdict(square)]))
        results = work_through(files, work, processes, notes, "pack")
        _refuse_broken(files, where.index, [broken for result in results for broken in result["broken"]])
        crcs = np.array([crc for result in results for crc in result["crcs"]], dtype=np.uint32)
        with atomic_write(where.checksums) as checksums, checksums.open("wb") as file:
            np.save(file, crcs)
        content = {"images": images, "size": size, "pixels": "uint8 RGB", "sha256": pixels_sha256(crcs)}
        content |= {"index": file_sha256(where.index)} | square.departures()
        write_text(where.description, json.dumps(content, indent=1) + "\n")
    with suppress(OSError):  # the store is complete
        notes.unlink()


def _refuse_broken(files: ImageFiles, index: Path, broken: list[tuple[str, str]]) -> None:
    if broken:
        listing = "\n".join(f"  {files.folder / path}: {reason}" for path, reason in told_once(broken))
        raise InputError(
            f"{len(broken)} of {len(files.paths)} images cannot be decoded; repair or replace them, or delete them and "
            f"{index}, and run again:\n{listing}"
        )


def _create(file: Path, shape: tuple[int, ...]) -> None:
    """Create an array file, unless one of this shape exists; raise InputError if the disk lacks space for it.

    Space is checked, not reserved: on file systems that cannot reserve space, the C library would write zeros.
    """
    needed, there = math.prod(shape), 0
    with suppress(OSError, ValueError, EOFError):
        if np.load(file, mmap_mode="r", allow_pickle=False).shape == shape:
            there = file.stat().st_blocks * 512
    free = shutil.disk_usage(file.parent).free
    if needed - there > free:
        raise InputError(
            f"{file.parent}: no room for the store, {(needed - there) / 1e6:,.0f} MB needed, {free / 1e6:,.0f} MB "
            "free; free disk space or set results_dir (or dataset.store)"
        )
    if not there:
        np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape).flush()


def _pack_chunk(files: ImageFiles, rows: range, before: dict | None, store: Path, square: Square, code: str) -> dict:
    """Write a chunk's images to the store; return their checksums (crcs) and the broken images (path, reason).

    Images that were written before are only read and compared with their checksums: a crash may have lost them.
    """
    size = square.size
    place = np.load(store, mmap_mode="r").offset + rows.start * size * size * 3
    with store.open("r+b") as file:
        file.seek(place)
        if before and before["code"] == code and not before["broken"]:
            written = np.frombuffer(file.read(len(rows) * size * size * 3), dtype=np.uint8).reshape(len(rows), -1)
            if [zlib.crc32(image) for image in written] == before["crcs"]:
                return before
            file.seek(place)
        images, broken = np.zeros((len(rows), size, size, 3), dtype=np.uint8), []
        for image, row in zip(images, rows, strict=True):
            pixels, reason = try_to_decode(partial(files.read, row), partial(read_image, **asdict(square)))
            if reason:
                broken.append((files.paths[row], reason))
            else:
                image[:] = pixels
        file.write(images)
    return {"crcs": [zlib.crc32(image) for image in images], "broken": broken, "code": code}
