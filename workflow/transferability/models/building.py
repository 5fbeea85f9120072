"""A network as a training starts with it: its first layers copied, the others drawn at random."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from transferability.models.architectures import ARCHITECTURES


def build_network(
    architecture: str,
    size: int,
    classes: int,
    seed: Callable[..., int],
    weights: Mapping[str, torch.Tensor] | None = None,
    copied: int = 0,
    frozen: int = 0,
) -> nn.Sequential:
    """Build a network on the CPU for square images of `size` pixels, a layer a child.

    The first `copied` layers are taken from `weights`, a state dict. Each other one is drawn from a seed of its own,
    `seed("init", name)`. The first `frozen`, copied or drawn, do not learn.
    """
    network = ARCHITECTURES[architecture].build(size, classes)
    for number, (name, layer) in enumerate(network.named_children()):
        if number < copied:
            layer.load_state_dict({key: weights[f"{name}.{key}"] for key in layer.state_dict()})
        else:
            initialize(layer, seed("init", name))
        layer.requires_grad_(number >= frozen)
    return network.to(memory_format=torch.channels_last)


def initialize(layer: nn.Module, seed: int) -> None:
    """Draw a layer's weights in place, on whatever device, from a generator of their own on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in layer.modules():
            if hasattr(module, "filler"):
                std, bias = module.filler
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * std)
                module.bias.fill_(bias)
