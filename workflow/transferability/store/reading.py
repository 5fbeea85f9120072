"""The store: every image of the set, decoded once, in one memory-mapped array that all splits share."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from transferability.common.checksums import file_sha256
from transferability.common.errors import InputError, first_line
from transferability.store.square import Square


@dataclass(frozen=True)
class StoreFiles:
    """The files that make up a store.

    `store` is a .npy file of uint8 (images, size, size, 3), RGB; `checksums` is a .npy file of uint32 (images,), the
    CRC-32 of every image. `index` is the table of the images in their order (`index.index_images`). `description` is a
    JSON file with the number of images, their size, a checksum of the pixels, a checksum of `index`, and how images
    became squares, if not as in the paper.
    """

    index: Path
    store: Path
    checksums: Path
    description: Path


def pixels_sha256(crcs: np.ndarray) -> str:
    """Return the checksum of a store's pixels: the SHA-256 of the CRC-32 of its images."""
    return hashlib.sha256(crcs).hexdigest()


class Store:
    """Images by row number, read from disk; each is compared with its checksum the first time it is read."""

    def __init__(self, path: Path, pixels: np.ndarray, checksums: np.ndarray):
        self._path, self._pixels, self._checksums = path, pixels, checksums
        self._checked = np.zeros(len(pixels), dtype=bool)
        self.shape = pixels.shape

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return images, uint8 (len(rows), size, size, 3), RGB; raise InputError if one is damaged."""
        images = self._pixels[rows]
        for place in np.flatnonzero(~self._checked[rows]):
            if zlib.crc32(images[place]) != self._checksums[rows[place]]:
                raise InputError(
                    f"{self._path} is damaged at image {rows[place]}; delete it and run again to repack it"
                )
        self._checked[rows] = True
        return images


def check_description(where: StoreFiles) -> None:
    """Compare a store's description with its checksums and its index; the pixels may have been deleted.

    Raises InputError if the description is damaged.
    """
    try:
        described = json.loads(where.description.read_text(encoding="utf-8"))
        fits = described["index"] == file_sha256(where.index)
        fits &= described["sha256"] == pixels_sha256(np.load(where.checksums, allow_pickle=False))
    except (ValueError, EOFError, KeyError, TypeError):
        fits = False
    if not fits:
        raise InputError(
            f"{where.description} is damaged, or was not made from {where.index}; delete it and {where.store}, and run "
            "again: finished networks are kept"
        )


def open_store(where: StoreFiles, square: Square) -> Store:
    """Map a store into memory, read-only.

    Raises InputError if it is damaged, or was not packed from this index or to squares as `square` specifies; OSError
    if it cannot be read.
    """
    try:
        pixels = np.load(where.store, mmap_mode="r", allow_pickle=False)
        crcs = np.load(where.checksums, allow_pickle=False)
        described = json.loads(where.description.read_text(encoding="utf-8"))
        found = {"images": len(pixels), "size": pixels.shape[1], "pixels": f"{pixels.dtype} RGB"}
        found |= {"sha256": pixels_sha256(crcs), "index": file_sha256(where.index)}
        differing = _differences(described, found, "the file has")
        differing += _differences(asdict(Square(0)) | described, asdict(square), "the study needs")
        damage = f"{where.description.name} records " + ", ".join(differing) if differing else ""
    except (ValueError, EOFError, IndexError, AttributeError, TypeError) as error:
        damage = first_line(error)
    if damage:
        raise InputError(
            f"{where.store} is damaged, or was not packed from {where.index} as this study needs ({damage}); "
            "delete it and run again to repack it"
        )
    return Store(where.store, pixels, crcs)


def _differences(described: Mapping, found: Mapping, what: str) -> list[str]:
    return [
        f"{key} {described.get(key)!r} where {what} {value!r}"
        for key, value in found.items()
        if described.get(key) != value
    ]
