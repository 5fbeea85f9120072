"""Whether given networks get what they were trained with: all their layers, and the pixels that they know."""

from dataclasses import dataclass

import torch
from torch import nn

SILENT = 1e-4  # share of the largest variance below which a channel counts as one that never says anything


@dataclass(frozen=True)
class FirstNorm:
    """What a network's first BatchNorm sees, against what it saw in its own training, both medians over channels.

    `variance` is the ratio of the variances, `shift` the distance of the means in deviations.
    """

    variance: float
    shift: float


def first_norm(model: nn.Module, inputs: torch.Tensor) -> FirstNorm | None:
    """Compare what the first BatchNorm sees of inputs (images, 3, size, size) with what it remembers; None without one.

    On photographs that are prepared as the network was trained both agree: a variance of .5 to 2. Pixels that are not
    standardised, or by other numbers, are seen in the variance.
    """
    norm = next((module for module in model.modules() if isinstance(module, nn.BatchNorm2d)), None)
    if norm is None or norm.running_var is None:
        return None
    seen: list[torch.Tensor] = []
    hook = norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.no_grad():
            model.eval()(inputs)
    finally:
        hook.remove()
    mean, variance = seen[0].mean((0, 2, 3)), seen[0].var((0, 2, 3))
    speaks = norm.running_var > SILENT * norm.running_var.max()
    ratio = (variance / norm.running_var)[speaks].median()
    shift = ((mean - norm.running_mean).abs() / norm.running_var.sqrt())[speaks].median()
    return FirstNorm(float(ratio), float(shift))
