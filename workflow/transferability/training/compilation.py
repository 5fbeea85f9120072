"""Functions compiled for the hardware into few kernels, on their first call (torch.compile)."""

import logging
from collections.abc import Callable

import torch

from transferability.common.errors import InputError, first_line

log = logging.getLogger(__name__)


def compiled(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Return a function that does the same, to rounding, and draws the same random numbers.

    It is compiled again for each shape of its arguments. Raises InputError, when called, where that is not possible.
    """
    torch.compiler.reset()  # torch compiles a piece of code but a few times; others' count no more
    options = {"fallback_random": True, "deterministic": True}  # eager's random numbers; no choice by timing
    fast = torch.compile(function, dynamic=False, fullgraph=True, options=options)

    def call(*arguments: torch.Tensor) -> torch.Tensor:
        """`function`, compiled."""
        try:
            return fast(*arguments)
        except torch._dynamo.exc.TorchDynamoException as error:  # of compilers, too
            log.error("%s", error)
            raise InputError(
                f"config key training.compile: true given, but torch.compile fails here ({first_line(error)}); "
                "give false, or a C++ compiler (on a GPU a C compiler, and Python's headers)"
            ) from error

    return call
