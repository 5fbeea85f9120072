"""A small version of the same eight layers, for 32 or 64 pixels, without normalisation, with He's initial weights.

The standard deviations of the weights are those of He et al. 2015, sqrt(2 / inputs of a unit). Without them, eight
layers of so few units do not begin to learn in the few thousand steps that a laptop can run. The first layer has a
sixth of that deviation, so that its kernels show what they learned, not their initial weights.
"""

from collections import OrderedDict

from torch import nn

from transferability.models.architectures.caffenet import conv, full, pool

PIXEL_SCALE = 1 / 32


def build(size: int, classes: int) -> nn.Sequential:
    """Return the network for images of 32 x 32 or 64 x 64 pixels."""
    last = [pool()] if size == 64 else []  # both sizes end with 2 x 2 positions
    inputs = 48 * 2 * 2
    return nn.Sequential(
        OrderedDict(
            conv1=conv((3, 32), 7, pool(), std=_he(3 * 49) / 6, bias=0, stride=4, padding=2),
            conv2=conv((32, 48), 3, pool(), std=_he(16 * 9), bias=0, padding=1, groups=2),
            conv3=conv((48, 64), 3, std=_he(48 * 9), bias=0, padding=1),
            conv4=conv((64, 64), 3, std=_he(32 * 9), bias=0, padding=1, groups=2),
            conv5=conv((64, 48), 3, *last, nn.Flatten(), std=_he(32 * 9), bias=0, padding=1, groups=2),
            fc6=full((inputs, 192), nn.ReLU(inplace=True), nn.Dropout(0.25), std=_he(inputs), bias=0),
            fc7=full((192, 192), nn.ReLU(inplace=True), nn.Dropout(0.25), std=_he(192), bias=0),
            fc8=full((192, classes), std=0.01, bias=0),
        )
    )


def _he(inputs: int) -> float:
    return (2 / inputs) ** 0.5
