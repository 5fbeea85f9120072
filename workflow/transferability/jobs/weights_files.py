"""Weights files: a network's tensors as safetensors, with its name, its mark and a checksum as metadata."""

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
    """The metadata of a weights file: the network ("random-0/baseA"), its mark, and a checksum of its tensors."""

    name: str
    mark: str
    sha256: str


def write_weights(path: Path, tensors: Mapping[str, "torch.Tensor"], name: str, mark: str) -> None:
    """Write a network's tensors as safetensors, with its name and mark and a checksum of the tensors as metadata.

    The metadata is a single entry, because safetensors writes several entries in a different order in each process.
    """
    from safetensors.torch import save  # imports torch, which comparing marks does not need

    says = json.dumps(asdict(Says(name, mark, _tensors_sha256(tensors))))
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(save(dict(tensors), metadata={"says": says}))


def weights_says(path: Path, name: str = "") -> Says:
    """Read the metadata of a weights file; `name` is the expected network, if given.

    Raises InputError if the file is damaged or belongs to another network, OSError if it cannot be read.
    """
    with path.open("rb"):  # raises OSError, which safetensors does not distinguish from a damaged file
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
    """Read a base network's tensors and compare their checksum; `name` and errors are those of `weights_says`."""
    says = weights_says(path, name)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is not a mapping)
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
