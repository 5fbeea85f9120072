"""Optimizers: Caffe's stochastic gradient descent, and two of torch's."""

from collections.abc import Iterable, Mapping
from itertools import compress
from operator import itemgetter
from types import MappingProxyType

import torch
from torch import nn

from transferability.models.decay import no_decay
from transferability.models.layered import LayeredModel
from transferability.models.layers import layer_keys
from transferability.study.training_settings import Settings


def new_optimizer(
    model: nn.Module, settings: Settings, factors: Mapping[str, float] = MappingProxyType({})
) -> "CaffeSGD | TorchOptimizer":
    """Return the optimizer that the settings name, for the parameters of a model that learn.

    `factors` maps names of parameters to the factors of their learning rates, 1 for those that it leaves out;
    caffe-sgd has none.
    """
    if settings.optimizer == "caffe-sgd":
        return CaffeSGD(model.parameters(), settings.momentum, settings.weight_decay, settings.clip_norm)
    return TorchOptimizer(model, settings, factors)


def rate_factors(network: LayeredModel, layer_decay: float) -> dict[str, float]:
    """Return the factors of the learning rates of copied layers' parameters, by name: layer_decay ** distance.

    The distance of a layer is counted from the last one (0), as in timm.optim.param_groups_layer_decay (Clark et al.
    2020, Bao et al. 2021), whatever number of layers is copied.
    """
    last = len(network.layers) - 1
    keys = list(layer_keys(network.model, network.layers).values())[: network.copied]
    return {key: layer_decay ** (last - place) for place, layer in enumerate(keys) for key in layer}


class CaffeSGD:
    """v <- momentum v + m rate (gradient + decay w), then w <- w - v, for every parameter w that learns.

    m is 1 for weights and 2 for biases, which do not decay (Caffe's reference network). The rate is part of the
    velocity v, so a drop of the rate does not shrink steps that have begun, as it would in torch.optim.SGD. (Also,
    torch.optim imports torch._dynamo, which takes 1.2 s: a fifth of a small network's time.) If `clip_norm` is not 0, a
    gradient of all parameters with a larger norm is first scaled to it. Parameters without a gradient stay as they are.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], momentum: float, weight_decay: float, clip_norm: float = 0):
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self._momentum, self._clip_norm = momentum, clip_norm
        self._velocities = [torch.zeros_like(parameter) for parameter in self._parameters]
        weights = [parameter.dim() > 1 for parameter in self._parameters]
        biases = [not weight for weight in weights]
        self._groups = [
            (list(compress(self._parameters, chosen)), list(compress(self._velocities, chosen)), m, decay)
            for chosen, m, decay in ((weights, 1, weight_decay), (biases, 2, 0.0))
        ]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the parameters by their gradients, then delete the gradients."""
        _clip(self._parameters, self._clip_norm)
        # For all parameters of a group in one call each, as in torch.optim; on a GPU these are a few kernels.
        for group, group_velocities, factor, decay in self._groups:
            moving = [parameter.grad is not None for parameter in group]
            if not any(moving):
                continue
            parameters, velocities = list(compress(group, moving)), list(compress(group_velocities, moving))
            torch._foreach_mul_(velocities, self._momentum)
            torch._foreach_add_(velocities, [parameter.grad for parameter in parameters], alpha=factor * rate)
            if decay:
                torch._foreach_add_(velocities, parameters, alpha=factor * rate * decay)
            torch._foreach_sub_(parameters, velocities)
        for parameter in self._parameters:
            parameter.grad = None

    def state_dict(self) -> dict:
        """Return the velocities; the tensors are the optimizer's own."""
        return {"velocities": self._velocities}

    def load_state_dict(self, state: Mapping) -> None:
        """Load the velocities that `state_dict` returned."""
        for velocity, saved in zip(self._velocities, state["velocities"], strict=True):
            velocity.copy_(saved)


class TorchOptimizer:
    """torch.optim's SGD or AdamW (with its default betas, .9 and .999), with a rate that is given at each step.

    Norms, biases, class tokens and position embeddings do not decay. `factors` as in `new_optimizer`. Parameters
    without a gradient stay as they are, and their moments begin with their first gradient.
    """

    def __init__(self, model: nn.Module, settings: Settings, factors: Mapping[str, float]):
        spared = no_decay(model)
        learning = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        parts = {}
        for name, weight in learning.items():
            parts.setdefault((name in spared, factors.get(name, 1.0)), []).append(weight)
        groups = [
            {"params": weights, "factor": factor, **({"weight_decay": 0.0} if is_spared else {})}
            for (is_spared, factor), weights in sorted(parts.items(), key=itemgetter(0))
        ]
        self._parameters, self._clip_norm = list(learning.values()), settings.clip_norm
        decay = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        if settings.optimizer == "adamw":
            self._optimizer = torch.optim.AdamW(groups, **decay)
        else:
            momentum = {"momentum": settings.momentum, "nesterov": settings.nesterov}
            self._optimizer = torch.optim.SGD(groups, **decay, **momentum)

    def step(self, rate: float) -> None:
        """Update the parameters by their gradients, then delete the gradients."""
        _clip(self._parameters, self._clip_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.step()
        self._optimizer.zero_grad()

    def state_dict(self) -> dict:
        """Return torch's state; the tensors are the optimizer's own."""
        return self._optimizer.state_dict()

    def load_state_dict(self, state: Mapping) -> None:
        """Load the state that `state_dict` returned."""
        self._optimizer.load_state_dict(state)


def _clip(parameters: list[nn.Parameter], norm: float) -> None:
    if norm:
        torch.nn.utils.clip_grad_norm_(parameters, norm, foreach=True)
