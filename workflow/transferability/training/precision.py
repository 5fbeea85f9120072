"""Torch's precision, and computing the same bits in every run."""

import os
from contextlib import AbstractContextManager, nullcontext

import torch


def compute_deterministically(device: torch.device) -> None:
    """Make torch compute the same bits in every run on this device; on a CPU training does so without any setting."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # it would fill memory that is never read


def precision_context(precision: str, device: torch.device) -> AbstractContextManager:
    """Return a context in which networks compute in float32, tf32 (not available on CPUs) or bfloat16.

    In bfloat16, weights, gradients and updates stay float32 (torch.autocast).
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def default_generator(device: torch.device) -> torch.Generator:
    """The generator that torch draws dropout, crops and mirrors from on a device."""
    # Not torch.manual_seed: it seeds every type of device, and keeps a stack trace of each call for unused ones.
    return (
        torch.cuda.default_generators[torch.cuda.current_device()] if device.type == "cuda" else torch.default_generator
    )
