"""What image files hold, as far as they can be images: a hole of terabytes is as small on the disk as a picture."""

from pathlib import Path

LARGEST = 512 << 20  # bytes; Pillow refuses images of that many pixels


def content_of(file: Path) -> bytes:
    """Return the content of a file; raise OSError if it cannot be read, is none, or is larger than images are."""
    if not file.is_file() and file.exists():
        raise OSError("it is no file")
    check_size(file.stat().st_size)
    return file.read_bytes()


def check_size(size: int) -> None:
    """Raise OSError for a size, in bytes, that no image has."""
    if size > LARGEST:
        raise OSError(f"it has {size:,} bytes, and images at most {LARGEST:,}; replace or remove it")
