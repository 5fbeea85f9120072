"""Reading image files up to a largest size: a sparse file of terabytes can be as small on disk as a picture."""

from pathlib import Path

LARGEST = 512 << 20  # bytes; Pillow refuses images of as many pixels


def content_of(file: Path) -> bytes:
    """Return the content of a file; raise OSError if it cannot be read, is not a regular file, or is too large."""
    if not file.is_file() and file.exists():
        raise OSError("it is not a regular file")
    check_size(file.stat().st_size)
    return file.read_bytes()


def check_size(size: int) -> None:
    """Raise OSError for a size, in bytes, above LARGEST."""
    if size > LARGEST:
        raise OSError(f"it has {size:,} bytes, but images have at most {LARGEST:,}; replace or remove it")
