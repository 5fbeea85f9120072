"""Building a network as a training run starts with it: its first layers copied, the others drawn at random."""

from collections.abc import Callable, Mapping
from importlib import import_module

import torch
from torch import nn

from transferability.common.errors import InputError
from transferability.models.classifier import start_at_chance
from transferability.models.layered import LayeredModel
from transferability.study.blueprint import Blueprint, builder


def build_network(
    blueprint: Blueprint,
    size: int,
    classes: int,
    seed: Callable[..., int],
    device: torch.device,
    weights: Mapping[str, torch.Tensor] | None = None,
    copied: int = 0,
    frozen: int = 0,
    fixed_statistics: bool = False,
) -> LayeredModel:
    """Build a network on a device for square images of `size` x `size` pixels.

    The model's own initialisation draws the weights from the seed `seed("init")`. Weights with a `filler` are drawn
    again from a seed for each layer, `seed("init", name)`. The classifier of a library's model starts at zero (module
    `classifier`). The first `copied` layers are taken from `weights`, a state dict. The first `frozen` layers, copied
    or drawn, do not learn. With `fixed_statistics`, copied layers that learn keep their BatchNorm statistics.

    Raises InputError for an architecture that does not exist, cannot be cut into layers, has too few layers, or does
    not accept images of this size.
    """
    with torch.random.fork_rng(devices=()):  # models draw from the global generator
        torch.default_generator.manual_seed(seed("init"))
        model = build_model(blueprint, size, classes)
    model = model.to(memory_format=torch.channels_last).to(device)
    network = LayeredModel(model, size, frozen, blueprint.is_builtin, fixed_statistics)
    layers = len(network.layers)
    if copied > layers or frozen >= layers:
        raise InputError(
            f"config key network.n (or preserved): {max(copied, frozen)} layers to copy or freeze, {blueprint.name} "
            f"has {layers}; accepted: at most {layers - 1}, as the last layer always learns"
        )
    for name, layer in network.layers.items():
        initialize(layer, seed("init", name))
    if not blueprint.is_builtin:
        start_at_chance(model, layer, classes)
    network.copy(weights or {}, copied)
    return network


def build_model(blueprint: Blueprint, size: int, classes: int) -> nn.Module:
    """Build a model with random weights, drawn from torch's global generator."""
    module = import_module(f"transferability.{builder(blueprint.name)}")
    if blueprint.is_builtin:
        return module.build(size, classes)
    return module.build(blueprint.name, size, classes)


def pixel_scale(blueprint: Blueprint) -> float:
    """Return the factor by which a built-in network multiplies pixels, 0..255 less the mean image."""
    return import_module(f"transferability.{builder(blueprint.name)}").PIXEL_SCALE


def initialize(layer: nn.Module, seed: int) -> None:
    """Draw a layer's weights that have a `filler`, (std, bias), again, from a CPU generator of their own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in layer.modules():
            if hasattr(module, "filler"):
                std, bias = module.filler
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator) * std)
                module.bias.fill_(bias)
