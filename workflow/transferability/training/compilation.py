"""Compiling functions into few kernels for the hardware, on their first call (torch.compile)."""

import logging
from collections.abc import Callable

import torch

from transferability.common.errors import InputError, first_line

log = logging.getLogger(__name__)


def compiled(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return a compiled function that computes the same, up to rounding, and draws the same random numbers.

    It is compiled again for each shape of its arguments. A call raises InputError if compiling fails.
    """
    torch.compiler.reset()  # torch limits how often code is compiled; earlier compilations no longer count
    options = {"fallback_random": True, "deterministic": True}  # eager mode's random numbers; no autotuning
    fast = torch.compile(function, dynamic=False, fullgraph=True, options=options)

    def call(*arguments: torch.Tensor) -> torch.Tensor:
        """Call the compiled `function`."""
        try:
            return fast(*arguments)
        except torch._dynamo.exc.TorchDynamoException as error:  # also raised for errors of compilers
            log.error("%s", error)
            raise InputError(
                f"config key training.compile: true given, but torch.compile fails here ({first_line(error)}); "
                "give false, or install a C++ compiler (on a GPU a C compiler, and Python's headers)"
            ) from error

    return call
