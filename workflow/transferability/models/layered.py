"""A torch model together with its ordered list of layers, the first of which may be frozen."""

from collections.abc import Mapping

import torch
from torch import nn

from transferability.models.layers import as_layers, layer_keys


class LayeredModel:
    """A model for square images of `size` x `size` pixels whose first `frozen` layers do not learn.

    `model` owns the parameters and buffers, under its own names for them. `layers` maps each layer's name to its
    modules in order, which share these parameters and buffers. In frozen layers, dropout and stochastic depth are off,
    but with `frozen_dropout` dropout stays active, as in Caffe; BatchNorm statistics are never updated.
    """

    def __init__(self, model: nn.Module, size: int, frozen: int = 0, frozen_dropout: bool = False):
        self.model, self.layers, self.frozen = model, as_layers(model, size), frozen
        self._frozen_layers = list(self.layers.values())[:frozen]
        self._frozen_dropout = frozen_dropout
        for layer in self._frozen_layers:
            layer.requires_grad_(False)
        self.train()

    def train(self) -> None:
        """Set training mode; frozen layers stay in evaluation mode, except for dropout with `frozen_dropout`."""
        self.model.train()
        for module in (module for layer in self._frozen_layers for module in layer.modules()):
            module.training = self._frozen_dropout and isinstance(module, nn.Dropout)

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
        keys = layer_keys(self.model, self.layers)
        copied = [key for name in list(keys)[:layers] for key in keys[name]]
        self.load({key: weights[key] for key in copied})

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
