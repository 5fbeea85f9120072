"""Decoding one image: a change here makes the store anew, and with it all results whose pixels change."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from transferability.common.errors import first_line


def read_image(file: Path | BinaryIO, size: int) -> np.ndarray:
    """Decode an image file to RGB, resized to a square without keeping its aspect ratio: uint8 (size, size, 3).

    Images of any kind become what a person sees of them, on white where they are transparent; of several the first
    counts. EXIF orientation is ignored, as in the original study. Raises ValueError for pixels without an agreed scale,
    and what Pillow raises for files that are damaged or no images (`UNREADABLE`).
    """
    with Image.open(file) as image:
        image = _to_rgb(image)
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image)


def check_scale(image: Image.Image) -> None:
    """Raise ValueError if it is not known which of an image's values are black and white."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers without an agreed scale; convert it to 8 or 16 bits")
    if image.mode == "I" and image.format not in ("PPM", "PNG"):  # these two are read as 16 bits a pixel
        raise ValueError("its pixels are 32-bit numbers without an agreed scale; convert it to 8 or 16 bits")


def _to_rgb(image: Image.Image) -> Image.Image:
    check_scale(image)
    if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip to 255
        tags = image.tag_v2 if image.format == "TIFF" else {}
        bits = tags.get(258, (16,))[0]  # of TIFFs Pillow takes 12 as well
        pixels = (np.asarray(image) >> bits - 8).astype(np.uint8)
        white_is_zero = tags.get(262) == 0
        return Image.fromarray(255 - pixels if white_is_zero else pixels).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


# What Pillow raises for files that are no images, or damaged ones.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, IndexError, Image.DecompressionBombError)


Decoded = TypeVar("Decoded")


def try_to_decode(read: Callable[[], bytes], decode: Callable[[BinaryIO], Decoded]) -> tuple[Decoded | None, str]:
    """Return what `decode` gives for an image file whose content `read` gives, and "" or why that fails."""
    try:
        content = read()
    except OSError as error:
        return None, f"it cannot be read: {error.strerror or error}"
    try:
        return decode(io.BytesIO(content)), ""
    except UNREADABLE as error:
        return None, what_is_wrong(content, error)


def what_is_wrong(content: bytes, error: Exception) -> str:
    """Say what is wrong with the content of an image file that Pillow refused with this error."""
    if not content:
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        if content[:512].lstrip().startswith(b"<"):
            return "it is a web page or other markup, not an image"
        return f"it is no image that Pillow can open (it begins with {content[:8]!r})"
    if "truncat" in str(error).lower():
        return f"it is truncated: it ends at byte {len(content):,}, before the image does"
    return first_line(error)
