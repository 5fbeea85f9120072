"""An experimental pooling, not yet measured on a GPU: its gradient needs no arithmetic on positions in the image."""

import torch
from torch.nn import functional


def max_pool(features: torch.Tensor) -> torch.Tensor:
    """Return the maxima over 3x3 windows with stride 2, as `MaxPool2d(3, 2, ceil_mode=True)` does.

    For each maximum, its position in the window is kept, in one byte, instead of its position in the image, in eight.
    """
    return _MaxPool.apply(features)[0]


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the maxima and their positions in the windows: 4 * row + column of the first maximum, int8."""
        height, width = (-(-(side - 3) // 2) + 1 for side in features.shape[2:])
        beyond = (0, 2 * width + 1 - features.shape[3], 0, 2 * height + 1 - features.shape[2])
        features = functional.pad(features, beyond, value=-torch.inf) if any(beyond) else features
        windows = {
            4 * row + column: features[:, :, row : row + 2 * height - 1 : 2, column : column + 2 * width - 1 : 2]
            for row in range(3)
            for column in range(3)
        }
        largest = windows.pop(0)
        places = torch.zeros_like(largest, dtype=torch.int8)
        for place, values in windows.items():
            places = places.masked_fill(values > largest, place)
            largest = torch.maximum(largest, values)
        return largest, places

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: tuple) -> None:
        """Save the positions for the backward pass."""
        ctx.sides = inputs[0].shape[2:]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx, gradient: torch.Tensor, _places: None) -> torch.Tensor:
        """Return the gradient of the features, in blocks of 2x2 positions, each of which is in at most four windows."""
        (places,), (height, width) = ctx.saved_tensors, ctx.sides
        rows, columns = (torch.arange(side, dtype=torch.int8, device=places.device) % 2 for side in (height, width))
        inside = (4 * rows[:, None] + columns)[:, :, None]  # the position in the window that begins with the block
        total = 0
        for up in (0, 1):  # the window begins `up` blocks above, and `left` blocks to the left
            for left in (0, 1):
                there, given = (_by_block(tensor, up, left, height, width) for tensor in (places, gradient))
                total = total + torch.where(there == inside + (8 * up + 2 * left), given, 0)
        return total.contiguous().permute(0, 3, 1, 2)


def _by_block(windows: torch.Tensor, up: int, left: int, height: int, width: int) -> torch.Tensor:
    """Return for each of height x width positions the value of the window `up` and `left` blocks from its 2x2 block.

    The result is (batch, height, width, channels), the memory order of features: otherwise torch.compile chooses
    another order.
    """
    channels, blocks_down, blocks_across = windows.shape[1], -(-height // 2), -(-width // 2)
    right, below = blocks_across - windows.shape[3] - left, blocks_down - windows.shape[2] - up
    lines = windows.permute(0, 2, 3, 1).flatten(2)
    lines = functional.pad(lines, (channels * left, channels * right, up, below))
    blocks = lines.unflatten(2, (-1, channels))[:, :, None, :, None].expand(-1, -1, 2, -1, 2, -1)
    return blocks.flatten(3, 4).flatten(1, 2)[:, :height, :width]
