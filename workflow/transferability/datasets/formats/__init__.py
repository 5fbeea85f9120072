"""The formats in which a labelled image set lies on disk (config key dataset.layout): how it is listed and read.

In comes the set's directory; out go a row per image (path, wnid, subset), and the bytes of an image file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transferability.datasets.formats import archives, cifar100, folders
from transferability.datasets.formats.suffixes import Row


@dataclass(frozen=True)
class Format:
    """How the images of a set are listed and read.

    `images(root, faults)` yields a row (path below root, wnid, subset) per image, and appends what is wrong with the
    tree to `faults`, a sentence each. `read(root, path)` returns the content of an image file, and raises OSError if
    that fails. For sets in archives, a path leads through the archive as if that were a directory.
    """

    images: Callable[[Path, list[str]], Iterator[Row]]
    read: Callable[[Path, str], bytes]


FORMATS = {
    "pictures": Format(folders.imagefolder, folders.read),
    "imagefolder": Format(folders.imagefolder, folders.read),
    "tiny-imagenet": Format(folders.tiny_imagenet, folders.read),
    "kaggle": Format(folders.kaggle, folders.read),
    "imagenet-archives": Format(archives.imagenet, archives.read),
    "cifar-100": Format(cifar100.list_images, cifar100.read),
}
