"""Any model as an ordered list of named layers."""

from torch import nn


def as_layers(model: nn.Module) -> dict[str, nn.Sequential]:
    """Return the layers of a model by name, in order; they share parameters, buffers and modules with it."""
    return dict(model.named_children())
