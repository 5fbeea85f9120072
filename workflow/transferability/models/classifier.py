"""The classifier of a library's network starts at zero, so that it gives all classes the same score.

Libraries initialise classifiers for 1000 classes: timm and torchvision draw some from +-1/sqrt(classes), which for two
classes is 25 times as wide as `nn.Linear`'s range. A short training run does not undo this, so its accuracy reflects
the random classifier instead of the features below it. Zeros have no disadvantage: gradients differ as features do.
"""

from collections.abc import Iterable

import torch
from torch import nn


def start_at_chance(model: nn.Module, layer: nn.Sequential, classes: int) -> None:
    """Set the classifier in a model's last layer to zero, so that the first loss is ln(classes).

    A ReLU after the scores, as in SqueezeNet, is replaced by the identity. A ReLU has no gradient at zero, and none
    after a step that makes all scores negative: such a network would never learn.
    """
    scores = _scoring(layer, classes)
    with torch.no_grad():
        for module in scores:
            module.weight.zero_()
            if module.bias is not None:
                module.bias.zero_()
    modules = list(layer.modules())
    behind = [module for module in modules[modules.index(scores[-1]) :] if isinstance(module, nn.ReLU)]
    for parent in (model, layer):
        _replace(parent, behind)


def _scoring(layer: nn.Module, classes: int) -> list[nn.Module]:
    """The modules whose outputs are the scores: the last one with a row of weights per class, and those like it.

    Distilled models have two such modules side by side. A hidden module with as many outputs has another number of
    inputs.
    """
    found = [
        module
        for module in layer.modules()
        if isinstance(weight := getattr(module, "weight", None), nn.Parameter)
        and weight.dim() > 1
        and weight.shape[0] == classes
    ]
    return [module for module in found if module.weight.shape == found[-1].weight.shape]


def _replace(parent: nn.Module, modules: Iterable[nn.Module]) -> None:
    """Replace modules by the identity wherever they occur below a parent."""
    for module in modules:
        for name in [name for name, found in parent.named_modules() if found is module]:
            parent.set_submodule(name, nn.Identity())
