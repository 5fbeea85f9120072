"""What all layouts share: the row of an index, and which files are images."""

IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png", ".bmp", ".gif", ".ppm", ".tif", ".tiff", ".webp"}

Row = tuple[str, str, str]  # path below the root, wnid, subset (train or val)


def is_image(name: str) -> bool:
    """Whether a file is an image by its name; hidden files are other programs' notes."""
    return not name.startswith(".") and f".{name.rpartition('.')[2].lower()}" in IMAGE_SUFFIXES
