"""The same eight layers, small: no normalisation, stride 2 for 32 pixels and 4 for 64, He's initial weights.

The deviations of the weights follow He et al. 2015 (sqrt(2 / inputs of a unit)), without which eight layers of so few
units do not begin to learn in the few thousand steps that a laptop affords.
"""

from collections import OrderedDict

from torch import nn

from transferability.models.architectures.caffenet import conv, full, pool

PIXEL_SCALE = 1 / 64


def build(size: int, classes: int) -> nn.Sequential:
    """Return the network for square images of 32 or 64 pixels."""
    stride = size // 16  # whatever the size, conv1 gives 16 x 16 places, and the three poolings make 2 x 2 of them
    inputs = 32 * 2 * 2
    return nn.Sequential(
        OrderedDict(
            conv1=conv((3, 16), 5, pool(), std=_he(3 * 25), bias=0, stride=stride, padding=2),
            conv2=conv((16, 32), 5, pool(), std=_he(8 * 25), bias=0, padding=2, groups=2),
            conv3=conv((32, 48), 3, std=_he(32 * 9), bias=0, padding=1),
            conv4=conv((48, 48), 3, std=_he(24 * 9), bias=0, padding=1, groups=2),
            conv5=conv((48, 32), 3, pool(), nn.Flatten(), std=_he(24 * 9), bias=0, padding=1, groups=2),
            fc6=full((inputs, 192), nn.ReLU(inplace=True), nn.Dropout(0.5), std=_he(inputs), bias=0),
            fc7=full((192, 192), nn.ReLU(inplace=True), nn.Dropout(0.5), std=_he(192), bias=0),
            fc8=full((192, classes), std=0.01, bias=0),
        )
    )


def _he(inputs: int) -> float:
    return (2 / inputs) ** 0.5
