"""Where, when and how fast a network was trained: what its provenance file holds."""

import json
import os
import platform
import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from transferability.common.errors import InputError

if TYPE_CHECKING:
    import torch


def provenance(device: "torch.device", started: datetime, seconds: float, images: int, resumed_at: int) -> dict:
    """Return what a provenance file holds of a job that trained `images` images in `seconds`."""
    import torch  # takes a second, which who only reads need not wait

    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "images_per_s": round(images / seconds, 1),
        "resumed_at_iteration": resumed_at,
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({platform.machine()})",
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "slurm_job": os.environ.get("SLURM_JOB_ID", ""),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def read_provenance(file: Path) -> dict:
    """Read a provenance file; raise InputError if it is damaged."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{file} is damaged ({error!r}); delete it and run again to retrain this network") from error
