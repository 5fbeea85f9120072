"""Forms of some modules that compute the same numbers, to rounding, in less of a GPU's time once they are compiled.

Which ones pay, and by how much, is measured by benchmarks/step.py. They share their parameters with the modules that
they stand for. These stay what a network consists of: what is evaluated, saved and copied.
"""

import torch
from torch import nn
from torch.nn import functional

from transferability.models.architectures.caffenet import ALPHA, ChannelNorm

FEW, WIDE = 4, 4  # at most so many channels, and steps of at least so many places, are seen in blocks
TILE = 64  # channels that convolutions on tensor cores take at a time


def fast_form(modules: nn.Sequential) -> nn.Sequential:
    """Return modules that, one after the other, do what these do, with the same parameters."""
    return nn.Sequential(*map(_form_of, modules))


def _form_of(module: nn.Module) -> nn.Module:
    if type(module) is nn.Sequential:
        return fast_form(module)
    if isinstance(module, ChannelNorm):
        return FastChannelNorm()
    return FastConvolution(module) if is_simple(module) and (has_few(module) or module.groups == 2) else module


def is_simple(module: nn.Module) -> bool:
    """Whether a module is a convolution of square steps, with a bias, padded with zeros if at all."""
    return (
        isinstance(module, nn.Conv2d)
        and module.bias is not None
        and module.stride[0] == module.stride[1]
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and isinstance(module.padding, tuple)
    )


def has_few(conv: nn.Conv2d) -> bool:
    """Whether a convolution moves over few channels in wide steps."""
    return conv.in_channels <= FEW and conv.stride[0] >= WIDE


class FastConvolution(nn.Module):
    """A convolution over few channels in wide steps, or of two groups.

    A kernel that moves over three channels in steps of 4 sees each block of 4x4 pixels as one place of 48 channels.
    Groups are convolutions of their own, as on the two cards of Krizhevsky et al. 2012.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features of shape (batch, channels, height, width) for such features."""
        conv = self.conv
        if has_few(conv):
            down, across = conv.padding
            features = functional.pad(features, (across, across, down, down))
            features, weight = space_to_depth(features, conv.weight, conv.stride[0])
            return functional.conv2d(in_tiles(features), in_tiles(weight), conv.bias)
        halves = zip(features.chunk(2, 1), conv.weight.chunk(2), conv.bias.chunk(2), strict=True)
        return torch.cat(
            [
                functional.conv2d(in_tiles(half), in_tiles(weight), bias, conv.stride, conv.padding)
                for half, weight, bias in halves
            ],
            1,
        )


def in_tiles(tensor: torch.Tensor) -> torch.Tensor:
    """Fill up the channels (the second dimension) of a tensor to a tile, where that is less than half of it.

    The tensor is dense then: a convolution of a part of a tensor copies it in a slow kernel.
    """
    channels = tensor.shape[1]
    if TILE / 2 < channels < TILE:
        tensor = functional.pad(tensor, (0, 0, 0, 0, 0, TILE - channels))
    return tensor.contiguous(memory_format=torch.channels_last)


def space_to_depth(features: torch.Tensor, weight: torch.Tensor, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features and weights whose convolution is that of these with `stride`, and no padding.

    Features of shape (batch, channels, height, width) become (batch, stride * stride * channels, height / stride,
    width / stride), with sides rounded to what the kernels reach.
    """
    sides, kernels = features.shape[2:], weight.shape[2:]
    spans = [-(-kernel // stride) for kernel in kernels]  # blocks that a kernel reaches over
    places = [(side - kernel) // stride + 1 for side, kernel in zip(sides, kernels, strict=True)]
    down, across = (stride * (number - 1 + span) for number, span in zip(places, spans, strict=True))
    features = functional.pad(features, (0, across - sides[1], 0, down - sides[0]))
    weight = functional.pad(weight, (0, stride * spans[1] - kernels[1], 0, stride * spans[0] - kernels[0]))
    return _in_blocks(features, stride), _in_blocks(weight, stride)


def _in_blocks(images: torch.Tensor, side: int) -> torch.Tensor:
    blocks = images.unflatten(3, (-1, side)).unflatten(2, (-1, side))  # (batch, channels, down, side, across, side)
    return blocks.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


class FastChannelNorm(nn.Module):
    """As ChannelNorm, with its gradient as a formula, so that nothing but its input is kept for that."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise features of shape (batch, channels, height, width)."""
        return _ChannelNorm.apply(features)


class _ChannelNorm(torch.autograd.Function):
    """y = x s ** -.75 with s = 1 + a W(x * x), where W sums over five channels; computed in float32 at least."""

    @staticmethod
    def forward(features: torch.Tensor) -> torch.Tensor:
        """Return y."""
        _, scale = _norm_scale(features)
        return (features * scale).to(features.dtype)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: torch.Tensor) -> None:
        """Keep x."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        """Return g s ** -.75 - 1.5 a x W(g x s ** -1.75): a channel is in the windows of those in its own."""
        (features,) = ctx.saved_tensors
        total, scale = _norm_scale(features)
        scaled = gradient * scale
        around = sum(_five_channels(features * scaled / total))
        return (scaled - 1.5 * ALPHA * features * around).to(features.dtype)


def _norm_scale(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """s and s ** -.75, by square roots, which take less time than a power."""
    wide = torch.promote_types(features.dtype, torch.float32)
    total = 1 + ALPHA * sum(values.to(wide).square() for values in _five_channels(features))
    root = total.rsqrt()
    return total, root * root.sqrt()


def _five_channels(features: torch.Tensor) -> list[torch.Tensor]:
    padded = functional.pad(features, (0, 0, 0, 0, 2, 2))
    return [padded[:, shift : shift + features.shape[1]] for shift in range(5)]
