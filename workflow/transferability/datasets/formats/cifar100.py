"""CIFAR-100 in the "python version" that its authors and torchvision distribute."""

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from transferability.common.errors import InputError, first_line
from transferability.common.resources import RESOURCES
from transferability.datasets.formats.contents import content_of
from transferability.datasets.formats.suffixes import Problems, Row

FOLDER = "cifar-100-python"
FILES = {"train": "train", "val": "test"}
SYNSETS = RESOURCES / "cifar100.csv"
DAMAGED = (AttributeError, LookupError, TypeError, ValueError)  # raised for content of another form


def list_images(root: Path, problems: Problems) -> Iterator[Row]:
    """List cifar-100-python/train/00000 and so on, each image with the synset of its fine label."""
    wnids = pd.read_csv(SYNSETS).set_index("name")["wnid"]
    faults = problems.faults
    for subset, name in FILES.items():
        try:
            with _faulty("meta"):
                names = _content(root / FOLDER / "meta")["fine_label_names"]
                classes = dict(enumerate(wnids[str(name)] for name in names))
            with _faulty(name):
                labels = _content(root / FOLDER / name)["fine_labels"]
                rows = [(f"{FOLDER}/{name}/{k:05d}", classes[label], subset) for k, label in enumerate(labels)]
            yield from rows
        except InputError as error:
            faults.append(str(error))


@contextmanager
def _faulty(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{FOLDER}/{name} is missing ({error}); unpack cifar-100-python.tar.gz there") from error
    except OSError as error:
        if error.errno:  # an error of the operating system
            raise
        raise InputError(f"{FOLDER}/{name}: {error}") from error
    except DAMAGED as error:
        raise InputError(f"{FOLDER}/{name} is damaged ({error!r}); unpack it again") from error


def read(root: Path, path: str) -> bytes:
    """Return an image as the content of a PPM file; raise OSError if it cannot be read."""
    file, _, number = path.rpartition("/")
    try:
        planes = _content(root / file)["data"].pixels[int(number)].reshape(3, 32, 32)
    except DAMAGED as error:
        raise OSError(f"not readable in {file}: {error!r}") from error
    return b"P6 32 32 255\n" + planes.transpose(1, 2, 0).tobytes()


@lru_cache(maxsize=3)
def _content(file: Path) -> dict:
    """Read a pickle; raise ValueError if it is damaged or holds anything but data."""
    try:
        return _Unpickler(io.BytesIO(content_of(file)), encoding="latin1").load()
    except (OSError, MemoryError):
        raise
    except Exception as error:  # readers of damaged files raise exceptions of many types
        raise ValueError(first_line(error)) from error


# The classes that CIFAR's pickles use, besides plain containers, text and numbers. Where a file asks
# for numpy's classes, it gets these stand-ins. numpy's own would build, from the file's raw bytes, arrays of whatever
# type the file asks for.


class _Plain:
    """An object that a pickle creates with arguments and may give a state; it only keeps the arguments."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __setstate__(self, state):
        """Ignore the state, the byte order, which does not matter for single bytes."""


class _Pixels(_Plain):
    """An array of bytes."""

    def __setstate__(self, state):
        """Take shape, dtype, memory order and content; raise UnpicklingError for a dtype other than bytes."""
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Plain) or kind.arguments[:1] != ("u1",):
            raise pickle.UnpicklingError("it holds an array of other things than bytes, which no image set needs")
        content = content.encode("latin1") if isinstance(content, str) else content  # Python 2 wrote a str
        self.pixels = np.frombuffer(content, np.uint8).reshape(shape, order="F" if by_columns else "C")


class _Bytes(bytes):
    """Bytes as Python 3 pickles them for Python 2: a text, and its encoding, which is latin1."""

    def __new__(cls, text: str, _encoding: str):
        """Return the text encoded as bytes."""
        return super().__new__(cls, text, "latin1")

    __setstate__ = _Plain.__setstate__


STAND_INS = {
    "_codecs.encode": _Bytes,
    "numpy.dtype": _Plain,
    "numpy.ndarray": _Plain,
    "numpy.core.multiarray._reconstruct": _Pixels,
    "numpy._core.multiarray._reconstruct": _Pixels,
}


class _Unpickler(pickle._Unpickler):  # the Python implementation: the C one allocates as much memory as a file claims
    """Reads data and calls nothing but the stand-ins above: see "Restricting Globals" in Python's documentation."""

    dispatch: ClassVar = {
        op: load for op, load in pickle._Unpickler.dispatch.items() if op != pickle.BYTEARRAY8[0]
    }  # BYTEARRAY8 is left out, as it would allocate as much as a file claims

    def find_class(self, module: str, name: str):
        """Return the stand-in for a name; raise UnpicklingError for a name that no image set needs."""
        if f"{module}.{name}" not in STAND_INS:
            raise pickle.UnpicklingError(f"it tries to call {module}.{name}, which no image set needs")
        return STAND_INS[f"{module}.{name}"]
