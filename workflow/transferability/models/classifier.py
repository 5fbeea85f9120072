"""The classifier of a library's network, which starts by giving all classes the same score.

What libraries draw is made for 1000 classes: timm and torchvision draw some classifiers from +-1/sqrt(classes), with
two classes 25 times as wide as `nn.Linear` does. A short training does not undo that, and then measures the random
classifier instead of the features below it. Zeros lose nothing: gradients differ as features do.
"""

import torch
from torch import nn


def start_at_chance(layer: nn.Module, classes: int) -> None:
    """Set the classifier in a network's last layer to zero, so that the first loss is ln(classes).

    Where scores pass a ReLU (SqueezeNet), which has no gradient at zero, the biases become 1 instead.
    """
    scores = _scoring(layer, classes)
    modules = list(layer.modules())
    rectified = any(isinstance(module, nn.ReLU) for module in modules[modules.index(scores[-1]) :])
    with torch.no_grad():
        for module in scores:
            module.weight.zero_()
            if module.bias is not None:
                module.bias.fill_(1.0 if rectified else 0.0)


def _scoring(layer: nn.Module, classes: int) -> list[nn.Module]:
    """The modules whose outputs are the scores: the last one with a row of weights per class, and its like.

    Distilled models have two side by side. A hidden module with as many outputs has another number of inputs.
    """
    found = [
        module
        for module in layer.modules()
        if isinstance(weight := getattr(module, "weight", None), nn.Parameter)
        and weight.dim() > 1
        and weight.shape[0] == classes
    ]
    return [module for module in found if module.weight.shape == found[-1].weight.shape]
