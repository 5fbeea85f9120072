"""CIFAR-100 in the "python version" that its authors and torchvision distribute."""

import io
import pickle
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from transferability.common.resources import RESOURCES
from transferability.datasets.formats.suffixes import Problems, Row

FOLDER = "cifar-100-python"
FILES = {"train": "train", "val": "test"}
SYNSETS = RESOURCES / "cifar100.csv"

# What the pickles of CIFAR are made of, besides plain containers, text and numbers. Nothing else is ever called.
ALLOWED = {
    ("_codecs", "encode"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


def list_images(root: Path, problems: Problems) -> Iterator[Row]:
    """List cifar-100-python/train/00000 and so on, image by image, with the synset of each one's fine label."""
    wnids = pd.read_csv(SYNSETS).set_index("name")["wnid"]
    faults = problems.faults
    for subset, name in FILES.items():
        try:
            classes = [wnids[label] for label in _content(root / FOLDER / "meta")["fine_label_names"]]
            labels = _content(root / FOLDER / name)["fine_labels"]
            yield from ((f"{FOLDER}/{name}/{k:05d}", classes[label], subset) for k, label in enumerate(labels))
        except FileNotFoundError as error:
            faults.append(f"{FOLDER}/{name} is missing ({error}); unpack cifar-100-python.tar.gz there")
        except (pickle.UnpicklingError, EOFError, KeyError, IndexError, TypeError, ValueError) as error:
            faults.append(f"{FOLDER}/{name} or {FOLDER}/meta is damaged ({error!r}); unpack it again")


def read(root: Path, path: str) -> bytes:
    """Return an image as the content of a PPM file; raise OSError if it cannot be read."""
    file, _, number = path.rpartition("/")
    try:
        planes = _content(root / file)["data"][int(number)].reshape(3, 32, 32)
    except (pickle.UnpicklingError, EOFError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise OSError(f"not readable in {file}: {error!r}") from error
    return b"P6 32 32 255\n" + np.ascontiguousarray(planes.transpose(1, 2, 0), dtype=np.uint8).tobytes()


@lru_cache(maxsize=3)
def _content(file: Path) -> dict:
    return _Unpickler(io.BytesIO(file.read_bytes()), encoding="latin1").load()


class _Unpickler(pickle.Unpickler):
    """Reads data and calls nothing but what makes arrays of it: see "Restricting Globals" in Python's documentation."""

    def find_class(self, module: str, name: str):
        """Return what may be called; raise UnpicklingError for anything else."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it tries to call {module}.{name}, which no image set needs")
        return super().find_class(module, name)
