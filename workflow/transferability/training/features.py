"""What the layers that learn see: the frozen layers' features, computed once per image where nothing is random."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import nn

from transferability.tasks.task import Examples
from transferability.training.batches import TEST_BATCH, Pixels, to_device

FEATURE_BYTES = 2**30  # features of a frozen part are kept, rather than computed anew, up to this size


class Inputs:
    """What the head of a network sees of a subset: `compute` makes it of images as `batches.Pixels` gives them.

    Where nothing is drawn at random, that is a function of the image alone: it is computed once per image and kept.
    """

    def __init__(self, examples: Examples, compute: Callable, device: torch.device, random: bool):
        self.labels = torch.from_numpy(examples.labels).to(device)
        self._compute, self._device = compute, device
        pixels = Pixels(examples, device)
        keep = not random and self._feature_bytes(pixels) * len(examples) <= FEATURE_BYTES
        self._features = self._compute_all(pixels) if keep else None
        self._pixels = None if keep else pixels

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the head's inputs and the labels of batch after batch of positions (int64, on the CPU)."""
        if self._features is None:
            for places, images in self._pixels.batches(positions):
                yield self._compute(images), self.labels.index_select(0, places)
            return
        for batch in positions:
            places = to_device(batch, self._device)
            # Twelve times as fast as indexing, which goes element by element.
            yield _channels_first(self._features.index_select(0, places)), self.labels.index_select(0, places)

    def _feature_bytes(self, pixels: Pixels) -> int:
        [(_, image)] = pixels.batches([torch.arange(1)])
        return self._compute(image).nbytes

    def _compute_all(self, pixels: Pixels) -> torch.Tensor:
        batches = pixels.batches(torch.arange(len(self)).split(TEST_BATCH))
        # Channels last, so that a row of the array is what a batch wants in memory.
        return torch.cat([_channels_last(self._compute(images)) for _, images in batches])


def head_inputs(prepare: Callable, fixed: nn.Sequential, images: torch.Tensor) -> torch.Tensor:
    """Prepare a batch of images and compute the features of the fixed modules."""
    return fixed(prepare(images))


def _channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 2, 3, 1).contiguous() if features.dim() == 4 else features


def _channels_first(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 3, 1, 2) if features.dim() == 4 else features


def split_fixed(network: nn.Sequential, frozen: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Split a network's modules into those whose output is a fixed function of their input, and the rest.

    Fixed are the modules of the first `frozen` layers up to the first dropout, which stays active in frozen layers.
    """
    modules = [(place, module) for place, layer in enumerate(network) for module in layer]
    fixed = 0
    while fixed < len(modules) and modules[fixed][0] < frozen and not isinstance(modules[fixed][1], nn.Dropout):
        fixed += 1
    return nn.Sequential(*(m for _, m in modules[:fixed])), nn.Sequential(*(m for _, m in modules[fixed:]))
