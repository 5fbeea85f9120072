"""The store: every image of the set, decoded once, in one memory-mapped array that all splits share."""

import errno
import hashlib
import io
import json
import math
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from transferability.errors import InputError, first_line
from transferability.files import written_whole
from transferability.fingerprint import code_fingerprint, file_sha256
from transferability.images import UNREADABLE, read_image
from transferability.layouts.files import ImageFiles, work_through


@dataclass(frozen=True)
class StoreFiles:
    """The files that make up a store.

    `store` is a .npy file of uint8 (images, size, size, 3), RGB, `checksums` one of uint32, the CRC-32 of every image.
    `description`, a JSON file, tells the number of images, their size, a checksum of the pixels and one of `index`, the
    table of the images in their order (`layouts.index_images`).
    """

    index: Path
    store: Path
    checksums: Path
    description: Path


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
    content = {"images": images, "size": size, "pixels": "uint8 RGB", "sha256": _sha256(crcs)}
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


def _sha256(crcs: np.ndarray) -> str:
    return hashlib.sha256(crcs).hexdigest()


class Store:
    """Images by row number, read from the disk and compared with their checksums the first time that each is read."""

    def __init__(self, path: Path, pixels: np.ndarray, checksums: np.ndarray):
        self._path, self._pixels, self._checksums = path, pixels, checksums
        self._checked = np.zeros(len(pixels), dtype=bool)
        self.shape = pixels.shape

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return images, uint8 (len(rows), size, size, 3), RGB; raise InputError for one that is damaged."""
        images = self._pixels[rows]
        for place in np.flatnonzero(~self._checked[rows]):
            if zlib.crc32(images[place]) != self._checksums[rows[place]]:
                raise InputError(
                    f"{self._path} is damaged at image {rows[place]}; delete it and run again to pack anew"
                )
        self._checked[rows] = True
        return images


def open_store(where: StoreFiles) -> Store:
    """Map a store into memory, read-only; raise InputError if it is damaged or was not packed from this index."""
    try:
        pixels = np.load(where.store, mmap_mode="r", allow_pickle=False)
        crcs = np.load(where.checksums, allow_pickle=False)
        described = json.loads(where.description.read_text())
        found = {"images": len(pixels), "size": pixels.shape[1], "pixels": f"{pixels.dtype} RGB"}
        found |= {"sha256": _sha256(crcs), "index": file_sha256(where.index)}
        differing = [f"{key} {value!r}" for key, value in described.items() if value != found.get(key)]
        damage = f"{where.description.name} tells of {', '.join(differing)}" if differing else ""
    except (OSError, ValueError, EOFError, IndexError, AttributeError) as error:
        damage = first_line(error)
    if damage:
        raise InputError(
            f"{where.store} is damaged, or was not packed from {where.index} ({damage}); "
            "delete it and run again to pack anew"
        )
    return Store(where.store, pixels, crcs)
