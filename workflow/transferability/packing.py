"""Packing: every image of the set, decoded once, into the store."""

import errno
import io
import json
import math
import os
import zlib
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from transferability.errors import InputError, first_line
from transferability.files import written_whole
from transferability.fingerprint import code_fingerprint, file_sha256
from transferability.images import UNREADABLE, read_image
from transferability.layouts.files import ImageFiles, work_through
from transferability.store import StoreFiles, pixels_sha256


def pack(files: ImageFiles, where: StoreFiles, size: int, processes: int, notes: Path) -> None:
    """Decode the images of an index, as squares of `size` pixels, into a store, with a progress bar.

    The store appears under its name only when it is whole; until then a call goes on where an earlier one ended, by
    the journal at `notes`. Raises InputError that lists every image that cannot be decoded.
    """
    images = len(files.paths)
    with written_whole(where.store, keep=True) as unfinished:
        _allocate(unfinished, (images, size, size, 3))
        work = partial(_pack_chunk, store=unfinished, size=size, code=code_fingerprint("images"))
        results = work_through(files, work, processes, notes, "pack")
        _refuse_broken(files, where.index, [broken for result in results for broken in result["broken"]])
    crcs = np.array([crc for result in results for crc in result["crcs"]], dtype=np.uint32)
    with written_whole(where.checksums) as unfinished, unfinished.open("wb") as file:
        np.save(file, crcs)
    content = {"images": images, "size": size, "pixels": "uint8 RGB", "sha256": pixels_sha256(crcs)}
    with written_whole(where.description) as unfinished:
        unfinished.write_text(json.dumps(content | {"index": file_sha256(where.index)}, indent=1) + "\n")
    notes.unlink()


def _refuse_broken(files: ImageFiles, index: Path, broken: list[tuple[str, str]]) -> None:
    if broken:
        listing = "\n".join(f"  {files.root / path}: {reason}" for path, reason in broken)
        raise InputError(
            f"{len(broken)} of {len(files.paths)} images cannot be decoded; replace them, or delete them and "
            f"{index}, and run again:\n{listing}"
        )


def _allocate(file: Path, shape: tuple[int, ...]) -> None:
    """Create an array file, with its room on the disk, unless there is one of this shape already."""
    with suppress(OSError, ValueError, EOFError):
        if np.load(file, mmap_mode="r", allow_pickle=False).shape == shape:
            return
    np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape).flush()
    if not hasattr(os, "posix_fallocate"):
        return
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                return  # a file system that cannot reserve room
            file.unlink()
            needed = math.prod(shape) / 1e6
            raise InputError(
                f"{file.parent}: no room for the store, {needed:,.0f} MB ({error}); free disk space or set results_dir"
            ) from error


def _pack_chunk(files: ImageFiles, rows: range, before: dict | None, store: Path, size: int, code: str) -> dict:
    """Write a chunk's images to the store; return their checksums (crcs) and what is broken (path, reason).

    What was written before is only read and compared with its checksums: a crash may have lost it.
    """
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
            try:
                image[:] = read_image(io.BytesIO(files.read(row)), size)
            except UNREADABLE as error:
                broken.append((files.paths[row], first_line(error)))
        file.write(images)
    return {"crcs": [zlib.crc32(image) for image in images], "broken": broken, "code": code}
