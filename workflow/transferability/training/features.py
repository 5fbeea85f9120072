"""Inputs of the layers that learn: the features of the frozen layers, computed once per image if nothing is random."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import nn

from transferability.training.batches import TEST_BATCH, Pixels, to_device
from transferability.training.views import Views

FEATURE_BYTES = 2**30  # features of fixed modules are kept up to this size, and computed again above it


class Inputs:
    """The inputs of a network's head for a subset: `compute` makes them from images as Pixels or Views yield them.

    They depend on the image (or its view) alone. If they fit in FEATURE_BYTES they are computed once, in batches of
    `batch_size`, and kept.
    """

    def __init__(self, pixels: Pixels | Views, compute: Callable, batch_size: int = TEST_BATCH):
        self.labels, self._device, self._compute = pixels.labels, pixels.device, compute
        keep = self._feature_bytes(pixels) * len(pixels.labels) <= FEATURE_BYTES
        self._features = self._compute_all(pixels, batch_size) if keep else None
        self._pixels = None if keep else pixels

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the head's inputs and the labels, one batch for each tensor of positions (int64, on the CPU)."""
        if self._features is None:
            yield from ((self._compute(images), labels) for images, labels in self._pixels.batches(positions))
            return
        for batch in positions:
            places = to_device(batch, self._device)
            # Twelve times as fast as indexing, which copies element by element.
            yield _channels_first(self._features.index_select(0, places)), self.labels.index_select(0, places)

    def _feature_bytes(self, pixels: Pixels | Views) -> int:
        [(image, _)] = pixels.batches([torch.arange(1)])
        return self._compute(image).nbytes

    def _compute_all(self, pixels: Pixels | Views, batch_size: int) -> torch.Tensor:
        places = torch.arange(len(self)).split(batch_size)
        kept = None
        for batch, (images, _) in zip(places, pixels.batches(places), strict=True):
            # Channels last, so that rows of the array have the memory layout of a batch.
            features = _channels_last(self._compute(images))
            kept = features.new_empty((len(self), *features.shape[1:])) if kept is None else kept
            kept[batch[0] : batch[-1] + 1] = features
        return kept


def head_inputs(prepare: Callable, fixed: nn.Sequential, images: torch.Tensor) -> torch.Tensor:
    """Prepare a batch of images and compute the features of the fixed modules."""
    return fixed(prepare(images))


def _channels_last(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 2, 3, 1).contiguous() if features.dim() == 4 else features


def _channels_first(features: torch.Tensor) -> torch.Tensor:
    return features.permute(0, 3, 1, 2) if features.dim() == 4 else features
