"""The formats of labelled image sets on disk (config key dataset.layout): how they are listed and read.

Input: the set's directory, or the file that lists its images. Output: a row per image (path, wnid, subset), and the
bytes of an image file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transferability.datasets.formats import archives, cifar100, folders
from transferability.datasets.formats.imagefolder import imagefolder
from transferability.datasets.formats.suffixes import Problems, Row
from transferability.datasets.formats.table import table


@dataclass(frozen=True)
class Format:
    """How the images of a set are listed and read.

    `images(root, problems)` yields a row (path below root, wnid, subset) per image, and adds the faults of the tree to
    `problems`; subset is "" where the set has no validation images. `read(folder, path)` returns the content of an
    image file, and raises OSError if that fails. For sets in archives, a path leads through the archive as if it were a
    directory. `is_file` is True if the root is a file; paths are then relative to its folder.
    """

    images: Callable[[Path, Problems], Iterator[Row]]
    read: Callable[[Path, str], bytes]
    is_file: bool = False


FORMATS = {
    "pictures": Format(imagefolder, folders.read),
    "imagefolder": Format(imagefolder, folders.read),
    "table": Format(table, folders.read, is_file=True),
    "tiny-imagenet": Format(folders.tiny_imagenet, folders.read),
    "kaggle": Format(folders.kaggle, folders.read),
    "imagenet-archives": Format(archives.imagenet, archives.read),
    "cifar-100": Format(cifar100.list_images, cifar100.read),
}
