"""What all layouts share: the row of an index, which files are images or leftovers, and what is said of others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from PIL import Image

Row = tuple[str, str, str]  # path below the root, wnid, subset (train, val, or "" where the set does not say)


@dataclass(frozen=True)
class Problems:
    """What is wrong with an image set (`faults`), and what is not but may surprise (`warnings`), a sentence each."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


# What macOS and Windows leave behind; that and notes of other programs (.DS_Store, ._x, .ipynb_checkpoints) are hidden.
LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini"}

# Images of kinds that Pillow does not open, unless a plugin is there: phones', cameras', drawings.
UNOPENED = {".heic", ".heif", ".jxl", ".svg", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"}


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of the files that Pillow can open, with their dots, in lower case."""
    formats = Image.registered_extensions()  # .mpo, of stereo cameras, is opened as the JPEG that it begins with
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN or name == "MPO")


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return f".{name.rpartition('.')[2].lower()}" in image_suffixes()


def is_leftover(name: str) -> bool:
    """Whether a file or folder is what systems and programs leave behind, by its name: it does not count."""
    return name.startswith(".") or name.lower() in LEFTOVERS


def is_image_by_content(file: Path) -> bool:
    """Whether a file begins as an image does, whatever its name."""
    try:
        with Image.open(file):
            return True
    except Exception:  # whatever a reader of some format makes of a file that is none
        return False


def count_suffixes(paths: Sequence[str]) -> str:
    """Return how many paths have which suffix, the five most frequent ones: "2 .heic, 1 no suffix"."""
    suffixes = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in paths)
    most = sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))[:5]
    return ", ".join(f"{count} {suffix}" for suffix, count in most)


def no_images(paths: Sequence[str]) -> str:
    """Return a fault that names files among the images of classes which would silently not count."""
    return (
        f"{len(paths)} entries of class folders are no images that Pillow opens ({count_suffixes(paths)}), e.g. "
        f"{min(paths)}; convert them (to .png or .jpg), put images right into the folder of their class, or remove "
        "what is no image"
    )
