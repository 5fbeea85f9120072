"""A torch model together with its ordered list of layers, the first of which may be copied, and frozen."""

from collections.abc import Iterator, Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from transferability.models.layers import as_layers, layer_keys


class LayeredModel:
    """A model for square images of `size` x `size` pixels whose first `frozen` layers do not learn.

    `model` owns the parameters and buffers, under its own names for them. `layers` maps each layer's name to its
    modules in order, which share these parameters and buffers; the first `copied` of them were copied. In frozen
    layers, dropout and stochastic depth are off, but with `frozen_dropout` dropout stays active, as in Caffe; BatchNorm
    statistics are never updated. With `fixed_statistics`, those of copied layers that learn are not updated either, and
    normalise the layer's training batches too.
    """

    def __init__(
        self,
        model: nn.Module,
        size: int,
        frozen: int = 0,
        frozen_dropout: bool = False,
        fixed_statistics: bool = False,
    ):
        self.model, self.layers, self.copied = model, as_layers(model, size), 0
        self._frozen_dropout, self._fixed_statistics = frozen_dropout, fixed_statistics
        self._learning = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
        self.freeze(frozen)

    def freeze(self, layers: int) -> None:
        """Freeze the first `layers` layers, and no others; set training mode."""
        self.frozen = layers
        for place, layer in enumerate(self.layers.values()):
            for parameter in layer.parameters():  # the model itself fixes some, as position embeddings
                parameter.requires_grad_(place >= layers and id(parameter) in self._learning)
        self.train()

    def train(self) -> None:
        """Set training mode; what is frozen or fixed stays in evaluation mode, except dropout with `frozen_dropout`."""
        self.model.train()
        for module in self._modules(0, self.frozen):
            module.training = self._frozen_dropout and isinstance(module, nn.Dropout)
        if self._fixed_statistics:
            for module in self._modules(self.frozen, self.copied):
                module.training = module.training and not isinstance(module, _BatchNorm)

    def _modules(self, first: int, end: int) -> Iterator[nn.Module]:
        """Yield all modules of layers first..end-1."""
        return (module for layer in list(self.layers.values())[first:end] for module in layer.modules())

    def eval(self) -> None:
        """Set evaluation mode: nothing is random, and no statistics are updated."""
        self.model.eval()

    def split(self) -> tuple[nn.Sequential, nn.Sequential]:
        """Return, for training, the modules whose output is a fixed function of their input, and the other modules.

        The fixed modules are those of frozen layers before the first module with an active dropout.
        """
        modules = [(place, module) for place, layer in enumerate(self.layers.values()) for module in layer]
        fixed = 0
        while fixed < len(modules) and modules[fixed][0] < self.frozen and not _is_random(modules[fixed][1]):
            fixed += 1
        return nn.Sequential(*(m for _, m in modules[:fixed])), nn.Sequential(*(m for _, m in modules[fixed:]))

    def copy(self, weights: Mapping[str, torch.Tensor], layers: int) -> None:
        """Copy the first layers from `weights`, a state dict of the same model with any number of classes."""
        self.copied = layers
        keys = layer_keys(self.model, self.layers)
        copied = [key for name in list(keys)[:layers] for key in keys[name]]
        self.load({key: weights[key] for key in copied})
        self.train()

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Copy tensors by their names in the model's state dict; raise KeyError or ValueError if one does not fit."""
        # Not load_state_dict: some models need to know which version of themselves wrote the state dict.
        own = self.model.state_dict()
        for name, tensor in tensors.items():
            if own[name].shape != tensor.shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {tuple(own[name].shape)}")
            own[name].copy_(tensor)


def _is_random(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Dropout) and part.training for part in module.modules())
