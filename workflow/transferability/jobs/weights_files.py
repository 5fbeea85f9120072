"""Weights files: a network's tensors as safetensors, with a checksum of them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from transferability.common.atomic_files import written_whole
from transferability.common.errors import InputError
from transferability.jobs.recipe import weights_digest


def write_weights(path: Path, tensors: Mapping[str, torch.Tensor], mark: str) -> None:
    """Write tensors as safetensors, with a mark that says what they are and a checksum of the tensors as metadata.

    Both are in one entry: safetensors writes several in another order in each process.
    """
    marks = json.dumps({"fingerprint": mark, "sha256": _tensors_sha256(tensors)})
    with written_whole(path) as unfinished:
        unfinished.write_bytes(save(dict(tensors), metadata={"marks": marks}))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a base network's tensors; raise InputError if the file is damaged, OSError if it cannot be read."""
    digest = weights_digest(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        damage = "" if _tensors_sha256(tensors) == digest else "its checksum differs"
    except (SafetensorError, ValueError, KeyError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{path} is damaged ({damage}); delete it and run again to retrain this base network")
    return tensors


def _tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}\n".encode())
        digest.update(tensors[name].contiguous().numpy())
    return digest.hexdigest()
