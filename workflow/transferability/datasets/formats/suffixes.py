"""What all layouts share: the row of an index, which files are images, and what is said of those that are none."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath

from PIL import Image

Row = tuple[str, str, str]  # path below the root, wnid, subset (train or val)


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of the files that Pillow can open, with their dots, in lower case."""
    formats = Image.registered_extensions()  # .mpo, of stereo cameras, is opened as the JPEG that it begins with
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN or name == "MPO")


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return f".{name.rpartition('.')[2].lower()}" in image_suffixes()


def no_images(paths: Sequence[str]) -> str:
    """Return a fault that tells of files among the images of classes which would silently not count."""
    suffixes = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in paths)
    most = sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))[:5]
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in most)
    return (
        f"{len(paths)} entries of class folders are no images that Pillow opens ({kinds}), e.g. {min(paths)}; convert "
        "them (to .png or .jpg), put images right into the folder of their class, or remove what is no image"
    )
