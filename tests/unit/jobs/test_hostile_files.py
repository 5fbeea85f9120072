"""Files made to harm their readers: each is one error. They are read in a process of their own, which may crash."""

import pickle
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import SHARED
from tests.trees import make_tree
from transferability.common.errors import InputError
from transferability.datasets.formats import cifar100
from transferability.models.given_weights import read_given

HOSTILE = SHARED / "data" / "hostile"
ADDRESS = struct.pack("<Q", 0x13371337)  # where nothing is
NUMPY = np._core.multiarray

READ_WEIGHTS = """
import sys
from pathlib import Path
from transferability.common.errors import InputError
from transferability.models.given_weights import read_given
try:
    read_given(Path(sys.argv[1]))
except InputError as error:
    sys.exit(f"error: {error}")
"""
LIST_CIFAR = """
import sys
from pathlib import Path
from transferability.common.errors import InputError
from transferability.datasets.index import index_images
try:
    index_images("cifar-100", Path(sys.argv[1]))
except InputError as error:
    sys.exit(f"error: {error}")
"""


class Call:
    """What a pickle calls when it is read, and the state that it then gives the result."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def objects() -> Call:
    """Numpy's kind of number that is an address of an object."""
    return Call(np.dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 63))


def disguised() -> Call:
    """The same as a part of plain bytes, which numpy then fills from a file."""
    part = {"a": (Call(np.dtype, ("O",)), 0)}
    fields = Call(np.dtype, ("f8", False, True), (3, "<", None, ("a",), part, 8, 1, 0))
    return Call(np.dtype, ((Call(np.dtype, ("V8",)), fields),))


def addresses() -> Call:
    """An array of objects at addresses that the file says."""
    return Call(np.ndarray, (1, objects(), ADDRESS))


WEIGHTS = {
    "a disguised number": lambda: Call(Counter, (Call(NUMPY.scalar, (disguised(), ADDRESS)),)),
    "an array": lambda: Call(Counter, (addresses(),)),
    "an array as weights": lambda: {"conv1.weight": addresses()},
}


def refused(code: str, path: Path) -> str:
    """The error of a process that reads a file."""
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 1, f"ended with {run.returncode}: {run.stderr[-500:]}"
    assert run.stderr.startswith("error: ") and run.stderr.count("\n") == 1, run.stderr
    return run.stderr.removeprefix("error: ")


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_with_objects_at_addresses_of_their_own_are_refused(kind, tmp_path):
    torch.save(WEIGHTS[kind](), tmp_path / "given.pt")
    assert refused(READ_WEIGHTS, tmp_path / "given.pt").startswith(f"{tmp_path}/given.pt ")


def test_a_picture_set_with_objects_at_addresses_of_its_own_is_refused(tmp_path):
    root = make_tree("cifar-100", tmp_path / "cifar")
    content = pickle.dumps({"fine_label_names": addresses()}, protocol=2)
    (root / "cifar-100-python" / "meta").write_bytes(content)
    assert "cifar-100-python/meta is damaged" in refused(LIST_CIFAR, root)


@pytest.mark.parametrize("name", ["object-array.pt", "object-array.pkl"])
def test_files_that_crashed_version_1_are_refused(name, tmp_path):
    if not (HOSTILE / name).exists():
        pytest.skip(f"{HOSTILE / name} is not here")
    if name.endswith(".pt"):
        assert str(HOSTILE / name) in refused(READ_WEIGHTS, HOSTILE / name)
    else:
        root = make_tree("cifar-100", tmp_path / "cifar")
        (root / "cifar-100-python" / "meta").write_bytes((HOSTILE / name).read_bytes())
        assert "cifar-100-python/meta is damaged" in refused(LIST_CIFAR, root)


def itself() -> dict:
    content = {}
    content["model"] = content["ema"] = content
    return content


SQUARE = torch.eye(3)
ODD = {
    "a file that holds itself": (itself, "holds no weights, its entries are: model, ema"),
    "a file that holds itself and weights": (lambda: itself() | {"model": {"a": SQUARE}}, None),
    "sparse": (lambda: {"a": SQUARE.to_sparse()}, "1 entries are sparse, nested or without numbers: a; save them"),
    "no numbers": (lambda: {"a": SQUARE.to("meta")}, "1 entries are sparse, nested or without numbers: a; save them"),
    "nested": (lambda: {"a": torch.nested.nested_tensor([SQUARE])}, "1 entries are sparse, nested or without"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ODD)
def test_odd_content_of_a_file_of_weights_is_one_error(kind, tmp_path):
    content, message = ODD[kind]
    torch.save(content(), tmp_path / "given.pt")
    if not message:
        assert read_given(tmp_path / "given.pt")["a"].equal(SQUARE)
        return
    with pytest.raises(InputError, match=message):
        read_given(tmp_path / "given.pt")


PICKLES = {
    "a size of terabytes": b"\x80\x05\x96" + struct.pack("<Q", 1 << 42) + b".",
    "a number of terabytes": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "cut off": b"\x80\x02J\x00",
    "text": b"<!DOCTYPE html>",
    "nothing": b"",
    "numbers that are no bytes": pickle.dumps({"data": np.zeros((1, 3072))}, protocol=2),
    "a name of an error": b"\x80\x02cbuiltins\nMemoryError\n.",
}


@pytest.mark.parametrize("kind", PICKLES)
def test_a_damaged_pickle_is_one_error_that_names_it(kind, tmp_path):
    (tmp_path / "train").write_bytes(PICKLES[kind])
    with pytest.raises(OSError, match="not readable in train"):
        cifar100.read(tmp_path, "train/00000")
