"""How many operations a step needs, counted layer by layer."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def step_operations(layers: Iterable[nn.Module], frozen: int, images: torch.Tensor) -> float:
    """Return the operations per image of a step: forward, and backward through the layers that learn.

    A layer's gradients of weights and of inputs take as many operations each as the layer itself; the first layer that
    learns passes none on. (torch's counter of a backward pass takes grouped convolutions for dense ones.)
    """
    total, features = 0, images
    for number, layer in enumerate(layers):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            features = layer(features)
        total += counter.get_total_flops() * (1 + (number >= frozen) + (number > frozen))
    return total / len(images)
