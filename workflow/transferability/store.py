"""The store: every image of the set, decoded once, in one memory-mapped array that all splits share."""

import errno
import hashlib
import json
import math
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from transferability.errors import InputError, first_line
from transferability.files import written_whole
from transferability.images import UNREADABLE, read_image

CHUNK = 64  # images that a process decodes before it reports


def pack(
    root: Path, paths: Sequence[str], store: Path, checksums: Path, description: Path, size: int, processes: int
) -> None:
    """Decode `paths` below `root` into `store`, a .npy file of uint8 (len(paths), size, size, 3), RGB.

    `checksums`, a .npy file of uint32, gets the CRC-32 of every image, `description`, a JSON file, the number of
    images, their size and a checksum of the pixels. A progress bar goes to standard error. The store appears under its
    name only when it is whole. Raises InputError that lists every image that cannot be decoded.
    """
    with written_whole(store) as unfinished:
        _allocate(unfinished, (len(paths), size, size, 3))
        crcs, broken = _pack_all(root, paths, unfinished, size, processes)
        if broken:
            listing = "\n".join(f"  {root / path}: {reason}" for path, reason in sorted(broken))
            raise InputError(
                f"{len(broken)} of {len(paths)} images cannot be decoded; replace them, or delete them and "
                f"{store.with_name('index.csv')}:\n{listing}"
            )
    with written_whole(checksums) as unfinished, unfinished.open("wb") as file:
        np.save(file, crcs)
    checksum = hashlib.sha256(crcs).hexdigest()
    description.write_text(
        json.dumps({"images": len(paths), "size": size, "pixels": "uint8 RGB", "sha256": checksum}, indent=1) + "\n"
    )


def _pack_all(
    root: Path, paths: Sequence[str], store: Path, size: int, processes: int
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return a checksum for each image, in order, and what could not be decoded (path, reason)."""
    chunks = [(start, paths[start : start + CHUNK]) for start in range(0, len(paths), CHUNK)]
    pack_chunk = partial(_pack_chunk, root=root, store=store, size=size)
    crcs, broken = [], []
    with (
        ProcessPoolExecutor(processes) as pool,
        tqdm(total=len(paths), desc="pack", unit=" images", smoothing=0) as bar,
    ):
        for packed, failures in pool.map(pack_chunk, chunks):
            bar.update(len(packed))
            crcs += packed
            broken += failures
    return np.array(crcs, dtype=np.uint32), broken


def _allocate(file: Path, shape: tuple[int, ...]) -> None:
    """Create an array file, with its room on the disk: a disk that fills up under a memory map kills the process."""
    np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape).flush()
    if not hasattr(os, "posix_fallocate"):
        return
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                return  # a file system that cannot reserve room
            needed = math.prod(shape) / 1e6
            raise InputError(
                f"{file.parent}: no room for the store, {needed:,.0f} MB ({error}); free disk space or set results_dir"
            ) from error


def _pack_chunk(
    chunk: tuple[int, Sequence[str]], root: Path, store: Path, size: int
) -> tuple[list[int], list[tuple[str, str]]]:
    """Return the checksums of a chunk's images, and what could not be decoded (path, reason)."""
    start, paths = chunk
    images = np.load(store, mmap_mode="r+")[start : start + len(paths)]
    failures = []
    for row, path in enumerate(paths):
        try:
            images[row] = read_image(root / path, size)
        except UNREADABLE as error:
            failures.append((path, first_line(error)))
    return [zlib.crc32(image) for image in images], failures


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


def open_store(path: Path, checksums: Path, images: int) -> Store:
    """Map a store into memory, read-only; raise InputError if it is damaged or does not hold `images` images."""
    try:
        pixels, crcs = np.load(path, mmap_mode="r", allow_pickle=False), np.load(checksums, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is not a whole store ({error}); delete it and run again to pack anew") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or not len(pixels) == len(crcs) == images:
        raise InputError(
            f"{path} holds {pixels.shape} {pixels.dtype} and {len(crcs)} checksums, the index lists {images} images; "
            "delete it and run again to pack anew"
        )
    return Store(path, pixels, crcs)
