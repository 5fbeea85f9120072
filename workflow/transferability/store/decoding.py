"""Decoding of one image. After a change to this code the store is made again, and all results whose pixels change."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from transferability.common.errors import first_line
from transferability.store.meaning import AUTO, KEY, Scale, numbers_of, to_rgb, what_kind_of_tiff


def read_image(
    file: Path | BinaryIO, size: int, fit: str = "stretch", orientation: str = "ignore", scale: Scale = AUTO
) -> np.ndarray:
    """Decode an image file to RGB, resized to a square: uint8 (size, size, 3).

    Images of all modes are converted to RGB as a viewer shows them; transparent parts become white. If a file holds
    several images, the first is read. `fit` sets how other shapes become a square: "stretch" changes the aspect
    ratio; "center-crop" takes the largest square in the middle, whose edges may lie between pixels. Both resize once,
    with Pillow's bilinear filter, which averages over the pixels that it merges. `orientation` sets how the
    orientation in a camera's EXIF data is used: "ignore", as in the original study, or "apply", which rotates the
    image; Pillow always rotates TIFFs. For images of more than 8 bits, `scale` sets which values are black and white.
    Raises ValueError for values and bands without an agreed meaning, and the exceptions of Pillow for files that are
    damaged or no images (`UNREADABLE`).
    """
    with Image.open(file) as image:
        numbers = numbers_of(image)
        if orientation == "apply":
            ImageOps.exif_transpose(image, in_place=True)  # in place, so that the image keeps its format
        image = to_rgb(image, numbers, scale)
        if image.size != (size, size):
            box = _middle(*image.size) if fit == "center-crop" else None
            image = image.resize((size, size), Image.Resampling.BILINEAR, box)
        return np.asarray(image)


def _middle(width: int, height: int) -> tuple[float, float, float, float]:
    """The largest square in the middle of an image: left, upper, right, lower."""
    side = min(width, height)
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side


# The exceptions that Pillow raises for files that are damaged or no images.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError)


Decoded = TypeVar("Decoded")


def try_to_decode(read: Callable[[], bytes], decode: Callable[[BinaryIO], Decoded]) -> tuple[Decoded | None, str]:
    """Decode the content of an image file that `read` returns: return the image and "", or None and what went wrong."""
    try:
        content = read()
    except OSError as error:
        return None, f"it cannot be read: {error.strerror or error}"
    try:
        return decode(io.BytesIO(content)), ""
    except UNREADABLE as error:
        return None, what_is_wrong(content, error)


def told_once(broken: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the images that cannot be decoded (path, reason), without repeating a fault that one config key fixes.

    Only the first image with such a fault is returned, with the number of the others: if a set has its own scale, every
    image has the same fault.
    """
    kinds = defaultdict(list)
    for path, reason in broken:
        _, key, remedy = reason.partition(KEY)
        kinds[remedy if key else path].append((path, reason))
    told = [(alike[0], len(alike) - 1) for alike in kinds.values()]
    return [(path, f"{reason} ({more:,} more images like it)" if more else reason) for (path, reason), more in told]


def what_is_wrong(content: bytes, error: Exception) -> str:
    """Return what is wrong with the content of an image file for which Pillow raised this error."""
    if not content:
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        if content[:512].lstrip().startswith(b"<"):
            return "it is a web page or other markup, not an image"
        if kind := what_kind_of_tiff(content):
            return f"it is {kind}, which Pillow does not open; keep only the visible bands, with 8 or 16 bits"
        return f"it is no image that Pillow can open (it begins with {content[:8]!r})"
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"it is far larger than photographs are ({first_line(error).split('(')[-1].split(')')[0]}); scale it down"
        )
    if "truncat" in str(error).lower():
        return f"it is truncated: it ends at byte {len(content):,}, before the image does"
    return first_line(error)
