"""Which parameters of a model weight decay spares."""

from torch import nn


def without_decay(model: nn.Module) -> set[str]:
    """Return the names of the parameters that do not decay: of one dimension (norms, biases)."""
    return {name for name, parameter in model.named_parameters() if parameter.dim() <= 1}
