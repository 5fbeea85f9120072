"""Weights files: a network's tensors as safetensors, which say whose they are, with a checksum of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from transferability.common.atomic_files import atomic_write
from transferability.common.errors import InputError

if TYPE_CHECKING:
    import torch

REMEDY = "delete it and run again to retrain this base network"


@dataclass(frozen=True)
class Says:
    """What a weights file says of itself: whose it is ("random-0/baseA"), its mark, and a checksum of its tensors."""

    name: str
    mark: str
    sha256: str


def write_weights(path: Path, tensors: Mapping[str, "torch.Tensor"], name: str, mark: str) -> None:
    """Write a network's tensors as safetensors, with its name and mark and a checksum of the tensors as metadata.

    All are in one entry: safetensors writes several in another order in each process.
    """
    from safetensors.torch import save  # imports torch, which who only compares marks need not wait for

    says = json.dumps(asdict(Says(name, mark, _tensors_sha256(tensors))))
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(save(dict(tensors), metadata={"says": says}))


def weights_says(path: Path, name: str = "") -> Says:
    """Read what a weights file says of itself: that it is the network `name`'s, if that is given.

    Raises InputError if it is damaged or says that it is another network's, OSError if it cannot be read.
    """
    with path.open("rb"):  # safetensors does not tell that a file may not be read from that it is damaged
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            says = Says(**json.loads((file.metadata() or {})["says"]))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error!r}); {REMEDY}") from error
    if name and says.name != name:
        raise InputError(f"{path} holds the weights of {says.name}, not of {name}; {REMEDY}")
    return says


def read_weights(path: Path, name: str = "") -> dict[str, "torch.Tensor"]:
    """Read a base network's tensors, and compare their checksum; `name` and errors are those of `weights_says`."""
    says = weights_says(path, name)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
        damage = "" if _tensors_sha256(tensors) == says.sha256 else "its checksum differs"
    except (SafetensorError, ValueError, KeyError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{path} is damaged ({damage}); {REMEDY}")
    return tensors


def _tensors_sha256(tensors: Mapping[str, "torch.Tensor"]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}\n".encode())
        digest.update(tensors[name].contiguous().numpy())
    return digest.hexdigest()
