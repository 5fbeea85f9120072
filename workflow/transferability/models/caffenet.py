"""Eight-layer networks as ordered lists of named layers, so that "the first n layers" is a slice.

A layer holds its weights and all that follows them up to the next layer's weights: nonlinearity, pooling,
normalisation, dropout. A network is a `torch.nn.Sequential` of such layers, named conv1 ... conv5, fc6, fc7, fc8.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional


def conv(
    channels: tuple[int, int], kernel: int, *follow: nn.Module, std: float, bias: float, **options
) -> nn.Sequential:
    """A convolutional layer with its ReLU and what follows it; weights from a gaussian of `std`, biases `bias`."""
    weights = nn.Conv2d(*channels, kernel, **options)
    weights.filler = (std, bias)
    return _layer(conv=weights, relu=nn.ReLU(inplace=True), follow=follow)


def full(features: tuple[int, int], *follow: nn.Module, std: float, bias: float) -> nn.Sequential:
    """A fully connected layer and what follows it; weights from a gaussian of `std`, biases `bias`."""
    weights = nn.Linear(*features)
    weights.filler = (std, bias)
    return _layer(linear=weights, follow=follow)


def _layer(follow: tuple[nn.Module, ...], **modules: nn.Module) -> nn.Sequential:
    names = {
        nn.MaxPool2d: "pool",
        ChannelNorm: "norm",
        nn.Flatten: "flatten",
        nn.ReLU: "relu",
        nn.Dropout: "dropout",
    }
    return nn.Sequential(OrderedDict(modules | {names[type(module)]: module for module in follow}))


class ChannelNorm(nn.Module):
    """Local response normalisation across 5 channels: x / (1 + 1e-4 / 5 * sum of the channels' squares) ** 0.75.

    Formula and constants: Krizhevsky et al. 2012, section 3.3, as in Caffe's reference network (k = 1, alpha divided by
    the size). torch's own goes by way of a pooling in three dimensions, which has no deterministic gradient on CUDA.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise features of shape (batch, channels, height, width)."""
        if features.dtype == torch.bfloat16:  # in which 1 + a small sum is 1
            return self.forward(features.float()).to(torch.bfloat16)
        channels = features.shape[1]
        squares = functional.pad(features * features, (0, 0, 0, 0, 2, 2))
        total = sum(squares[:, shift : shift + channels] for shift in range(5))
        return features / (1 + 1e-4 / 5 * total) ** 0.75


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, 2, ceil_mode=True)  # Caffe rounds pooled sizes up


def caffenet(size: int, classes: int) -> nn.Sequential:
    """Caffe's reference network, the paper's (Jia et al. 2014, after Krizhevsky et al. 2012); 227 pixels."""

    return nn.Sequential(
        OrderedDict(
            conv1=conv((3, 96), 11, _pool(), ChannelNorm(), std=0.01, bias=0, stride=4),
            conv2=conv((96, 256), 5, _pool(), ChannelNorm(), std=0.01, bias=1, padding=2, groups=2),
            conv3=conv((256, 384), 3, std=0.01, bias=0, padding=1),
            conv4=conv((384, 384), 3, std=0.01, bias=1, padding=1, groups=2),
            conv5=conv((384, 256), 3, _pool(), nn.Flatten(), std=0.01, bias=1, padding=1, groups=2),
            fc6=full((256 * 6 * 6, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), std=0.005, bias=1),
            fc7=full((4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), std=0.005, bias=1),
            fc8=full((4096, classes), std=0.01, bias=0),
        )
    )


def caffenet_mini(size: int, classes: int) -> nn.Sequential:
    """The same eight layers, small: no normalisation, stride 2 for 32 pixels and 4 for 64, He's initial weights.

    The deviations of the weights follow He et al. 2015 (sqrt(2 / inputs of a unit)), without which eight layers of
    so few units do not begin to learn in the few thousand steps that a laptop affords.
    """

    stride = size // 16  # whatever the size, conv1 gives 16 x 16 places, and the three poolings make 2 x 2 of them
    inputs = 32 * 2 * 2
    return nn.Sequential(
        OrderedDict(
            conv1=conv((3, 16), 5, _pool(), std=_he(3 * 25), bias=0, stride=stride, padding=2),
            conv2=conv((16, 32), 5, _pool(), std=_he(8 * 25), bias=0, padding=2, groups=2),
            conv3=conv((32, 48), 3, std=_he(32 * 9), bias=0, padding=1),
            conv4=conv((48, 48), 3, std=_he(24 * 9), bias=0, padding=1, groups=2),
            conv5=conv((48, 32), 3, _pool(), nn.Flatten(), std=_he(24 * 9), bias=0, padding=1, groups=2),
            fc6=full((inputs, 192), nn.ReLU(inplace=True), nn.Dropout(0.5), std=_he(inputs), bias=0),
            fc7=full((192, 192), nn.ReLU(inplace=True), nn.Dropout(0.5), std=_he(192), bias=0),
            fc8=full((192, classes), std=0.01, bias=0),
        )
    )


def _he(inputs: int) -> float:
    return (2 / inputs) ** 0.5
