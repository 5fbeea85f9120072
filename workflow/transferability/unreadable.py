"""What is wrong with an image that cannot be read, in words for whoever has to mend it."""

import io
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from PIL import Image, UnidentifiedImageError

from transferability.errors import first_line

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
