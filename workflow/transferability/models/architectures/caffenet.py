"""Caffe's reference network, the paper's (Jia et al. 2014, after Krizhevsky et al. 2012).

A layer holds its weights and all modules after them up to the next layer's weights: nonlinearity, pooling,
normalisation, dropout. A network is a `torch.nn.Sequential` of such layers, named conv1 ... conv5, fc6, fc7, fc8.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

PIXEL_SCALE = 1.0
ALPHA = 1e-4 / 5  # of ChannelNorm


def conv(
    channels: tuple[int, int], kernel: int, *follow: nn.Module, std: float, bias: float, **options
) -> nn.Sequential:
    """A convolutional layer with its ReLU and the modules `follow`; weights from a Gaussian of `std`, biases `bias`."""
    weights = nn.Conv2d(*channels, kernel, **options)
    weights.filler = (std, bias)
    return _layer(conv=weights, relu=nn.ReLU(inplace=True), follow=follow)


def full(features: tuple[int, int], *follow: nn.Module, std: float, bias: float) -> nn.Sequential:
    """A fully connected layer with the modules `follow`; weights from a Gaussian of `std`, biases `bias`."""
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
    the size). torch's own layer uses a pooling in three dimensions, which has no deterministic gradient on CUDA.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise features of shape (batch, channels, height, width)."""
        if features.dtype == torch.bfloat16:  # here 1 plus a small sum rounds to 1
            return self.forward(features.float()).to(torch.bfloat16)
        channels = features.shape[1]
        squares = functional.pad(features * features, (0, 0, 0, 0, 2, 2))
        total = sum(squares[:, shift : shift + channels] for shift in range(5))
        return features / (1 + ALPHA * total) ** 0.75


def pool() -> nn.MaxPool2d:
    """Max pooling as in Caffe, which rounds sizes up."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def build(size: int, classes: int) -> nn.Sequential:
    """Return the network for images of 227 x 227 pixels."""

    return nn.Sequential(
        OrderedDict(
            conv1=conv((3, 96), 11, pool(), ChannelNorm(), std=0.01, bias=0, stride=4),
            conv2=conv((96, 256), 5, pool(), ChannelNorm(), std=0.01, bias=1, padding=2, groups=2),
            conv3=conv((256, 384), 3, std=0.01, bias=0, padding=1),
            conv4=conv((384, 384), 3, std=0.01, bias=1, padding=1, groups=2),
            conv5=conv((384, 256), 3, pool(), nn.Flatten(), std=0.01, bias=1, padding=1, groups=2),
            fc6=full((256 * 6 * 6, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), std=0.005, bias=1),
            fc7=full((4096, 4096), nn.ReLU(inplace=True), nn.Dropout(0.5), std=0.005, bias=1),
            fc8=full((4096, classes), std=0.01, bias=0),
        )
    )
