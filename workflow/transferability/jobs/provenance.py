"""Provenance files: where, when and how fast a network was trained, and with which versions."""

import json
import os
import platform
import resource
import socket
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors", "snakemake", "transferability")
FIELDS = {
    *("started", "seconds", "images_per_s", "memory_mb", "resumed_at_iteration", "host", "device"),
    "cuda_visible_devices",
    *("slurm_job", "threads", "python", "fingerprint", *PACKAGES),
}


def provenance(
    mark: str, device: "torch.device", started: datetime, seconds: float, images: int, resumed_at: int
) -> dict:
    """Return the content of the provenance file of a job that trained on `images` images in `seconds`."""
    import torch  # takes a second, and reading provenance files does not need it

    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "images_per_s": round(images / seconds, 1),
        "memory_mb": _peak_memory(device) // 2**20,
        "resumed_at_iteration": resumed_at,
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({platform.machine()})",
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "slurm_job": os.environ.get("SLURM_JOB_ID", ""),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{package: installed_version(package) for package in PACKAGES},
        "fingerprint": mark,
    }


def _peak_memory(device: "torch.device") -> int:
    """The most memory that this process has had, in bytes: on a GPU that of tensors, else all."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def not_known(mark: str) -> dict:
    """Return the content of a provenance file that replaces a lost one: no values are known."""
    return dict.fromkeys(sorted(FIELDS)) | {"fingerprint": mark}


def as_text(content: Mapping) -> str:
    """Return the text of a provenance file, with its checksum."""
    return json.dumps(dict(content) | {"checksum": fingerprint(content)}, indent=1) + "\n"


def read_provenance(file: Path) -> dict:
    """Read a provenance file; raise InputError if it is damaged, or lacks one of FIELDS."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        digest = content.pop("checksum")
        damage = "" if fingerprint(content) == digest else "its checksum differs"
        damage = damage or ", ".join(sorted(FIELDS - content.keys()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{file} is damaged ({damage}); delete it and run again (no network is trained again for it)")
    return content


def installed_version(package: str) -> str | None:
    """Return a package's version, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:  # an environment for jobs only does not need snakemake
        return None
