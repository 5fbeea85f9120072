"""The number of operations of a training step, counted layer by layer."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def step_operations(layers: Iterable[nn.Module], frozen: int, images: torch.Tensor) -> float:
    """Return the operations per image of a step: forward, and backward through the layers that are trained.

    The gradients of a layer's weights and of its inputs take as many operations each as its forward pass. The first
    trained layer needs no gradient of its inputs. (torch's counter treats grouped convolutions as dense in the backward
    pass, so it is not used there.)
    """
    total, features = 0, images
    for number, layer in enumerate(layers):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            features = layer(features)
        total += counter.get_total_flops() * (1 + (number >= frozen) + (number > frozen))
    return total / len(images)
