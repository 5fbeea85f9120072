"""Code that all layouts share: the row of an index, which files are images or leftovers, and faults about others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from PIL import Image

Row = tuple[str, str, str]  # path below the root, wnid, subset (train, val, or "" where the set does not name one)


@dataclass(frozen=True)
class Problems:
    """Errors in an image set (`faults`), and points that may surprise but are none (`warnings`): a sentence each."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


# Files that macOS and Windows leave behind. Hidden files of these and other programs (.DS_Store, ._x,
# .ipynb_checkpoints) are leftovers, too.
LEFTOVERS = {"__macosx", "thumbs.db", "desktop.ini"}

# Image formats that Pillow does not open without a plugin: those of phones and cameras, and drawings.
UNOPENED = {".heic", ".heif", ".jxl", ".svg", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"}


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of the files that Pillow can open, with a leading dot, in lower case."""
    formats = Image.registered_extensions()  # .mpo, a format of stereo cameras, is opened as the JPEG it begins with
    return frozenset(suffix for suffix, name in formats.items() if name in Image.OPEN or name == "MPO")


def is_image(name: str) -> bool:
    """Return whether a file is an image, judged by its name."""
    return f".{name.rpartition('.')[2].lower()}" in image_suffixes()


def is_leftover(name: str) -> bool:
    """Return whether a file or folder was left behind by a system or program, judged by its name: it does not count."""
    return name.startswith(".") or name.lower() in LEFTOVERS


def is_image_by_content(file: Path) -> bool:
    """Return whether a file begins like an image, whatever its name."""
    try:
        with Image.open(file):
            return True
    except Exception:  # readers of image formats raise exceptions of many types for files that are no images
        return False


def count_suffixes(paths: Sequence[str]) -> str:
    """Return the number of paths with each suffix, for the five most frequent suffixes: "2 .heic, 1 no suffix"."""
    suffixes = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in paths)
    most = sorted(suffixes.items(), key=lambda item: (-item[1], item[0]))[:5]
    return ", ".join(f"{count} {suffix}" for suffix, count in most)


def no_images(paths: Sequence[str]) -> str:
    """Return a fault that names files in class folders that would otherwise be left out silently."""
    return (
        f"{len(paths)} entries of class folders are no images that Pillow opens ({count_suffixes(paths)}), e.g. "
        f"{min(paths)}; convert them (to .png or .jpg), put images directly into the folder of their class, or remove "
        "entries that are no images"
    )
