"""Forms of some modules that compute the same numbers, up to rounding, in less GPU time once they are compiled.

benchmarks/step.py measures which forms are faster, and by how much. The forms share their parameters with the modules
that they replace during training. The network itself keeps the original modules: these are evaluated, saved and copied.
"""

import torch
from torch import nn
from torch.nn import functional

from transferability.models.architectures.caffenet import ALPHA, ChannelNorm

FEW, WIDE = 4, 4  # convolutions with at most FEW channels and a stride of at least WIDE are computed in blocks
TILE = 64  # channels that convolutions on tensor cores process at a time


def fast_form(modules: nn.Sequential) -> nn.Sequential:
    """Return modules that, applied one after the other, compute the same as these, with the same parameters."""
    return nn.Sequential(*map(_form_of, modules))


def _form_of(module: nn.Module) -> nn.Module:
    if type(module) is nn.Sequential:
        return fast_form(module)
    if isinstance(module, ChannelNorm):
        return FastChannelNorm()
    return FastConvolution(module) if is_simple(module) and (has_few(module) or module.groups == 2) else module


def is_simple(module: nn.Module) -> bool:
    """Return whether a module is a convolution with equal strides, no dilation, a bias, and zero padding if any."""
    return (
        isinstance(module, nn.Conv2d)
        and module.bias is not None
        and module.stride[0] == module.stride[1]
        and module.dilation == (1, 1)
        and module.padding_mode == "zeros"
        and isinstance(module.padding, tuple)
    )


def has_few(conv: nn.Conv2d) -> bool:
    """Return whether a convolution has few input channels and a large stride."""
    return conv.in_channels <= FEW and conv.stride[0] >= WIDE


class FastConvolution(nn.Module):
    """A convolution with few input channels and a large stride, or with two groups.

    A convolution over three channels with stride 4 is computed with each block of 4x4 pixels as one position of 48
    channels. Groups are computed as separate convolutions, as on the two GPUs of Krizhevsky et al. 2012.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the convolution of features of shape (batch, channels, height, width), in the same format."""
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
    """Pad the channels (the second dimension) of a tensor to a tile, if the padding is less than half of the tile.

    The result is contiguous: a convolution of a slice of a tensor would copy it with a slow kernel.
    """
    channels = tensor.shape[1]
    if TILE / 2 < channels < TILE:
        tensor = functional.pad(tensor, (0, 0, 0, 0, 0, TILE - channels))
    return tensor.contiguous(memory_format=torch.channels_last)


def space_to_depth(features: torch.Tensor, weight: torch.Tensor, stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features and weights whose convolution with stride 1 equals that of the arguments with `stride`, unpadded.

    Features of shape (batch, channels, height, width) become (batch, stride * stride * channels, height / stride,
    width / stride), with height and width cut or padded to the extent that the kernels cover.
    """
    sides, kernels = features.shape[2:], weight.shape[2:]
    spans = [-(-kernel // stride) for kernel in kernels]  # blocks that a kernel covers
    places = [(side - kernel) // stride + 1 for side, kernel in zip(sides, kernels, strict=True)]
    down, across = (stride * (number - 1 + span) for number, span in zip(places, spans, strict=True))
    features = functional.pad(features, (0, across - sides[1], 0, down - sides[0]))
    weight = functional.pad(weight, (0, stride * spans[1] - kernels[1], 0, stride * spans[0] - kernels[0]))
    return _in_blocks(features, stride), _in_blocks(weight, stride)


def _in_blocks(images: torch.Tensor, side: int) -> torch.Tensor:
    blocks = images.unflatten(3, (-1, side)).unflatten(2, (-1, side))  # (batch, channels, down, side, across, side)
    return blocks.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


class FastChannelNorm(nn.Module):
    """ChannelNorm with an explicit formula for its gradient, which needs only the input to be kept."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise features of shape (batch, channels, height, width)."""
        return _ChannelNorm.apply(features)


class _ChannelNorm(torch.autograd.Function):
    """y = x s ** -.75 with s = 1 + a W(x * x), where W sums over five channels; computed at least in float32."""

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
        """Return g s ** -.75 - 1.5 a x W(g x s ** -1.75): a channel is in the window of each channel in its own."""
        (features,) = ctx.saved_tensors
        total, scale = _norm_scale(features)
        scaled = gradient * scale
        around = sum(_five_channels(features * scaled / total))
        return (scaled - 1.5 * ALPHA * features * around).to(features.dtype)


def _norm_scale(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """s and s ** -.75, computed by square roots, which are faster than a power."""
    wide = torch.promote_types(features.dtype, torch.float32)
    total = 1 + ALPHA * sum(values.to(wide).square() for values in _five_channels(features))
    root = total.rsqrt()
    return total, root * root.sqrt()


def _five_channels(features: torch.Tensor) -> list[torch.Tensor]:
    padded = functional.pad(features, (0, 0, 0, 0, 2, 2))
    return [padded[:, shift : shift + features.shape[1]] for shift in range(5)]
