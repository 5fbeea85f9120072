"""From the store to a batch on the device: which images, in which order, cropped and mirrored, less the mean image."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch

RESIDENT_BYTES = 2**30  # a subset up to this size is held in memory as a whole; on a GPU, up to half of its free one
TEST_BATCH = 500


@dataclass(frozen=True)
class Examples:
    """One subset of one task: the rows of its images in the store, and their labels (int64, 0 <= label < classes).

    `store` is a `store.Store`, or an array, uint8 (images, size, size, 3), RGB.
    """

    store: np.ndarray
    rows: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def select_examples(
    store: np.ndarray, index: pd.DataFrame, manifest: pd.DataFrame, subset: str, per_class: int = 0
) -> Examples:
    """Select a task's images of a subset, or of each class the first `per_class`, in the order of the index.

    `index` has a row for each image of `store`.
    """
    label_of = dict(zip(manifest["wnid"], manifest["label"], strict=True))
    selected = (index["subset"] == subset) & index["wnid"].isin(label_of)
    if per_class:
        selected &= index.groupby(["subset", "wnid"]).cumcount() < per_class
    rows = np.flatnonzero(selected.to_numpy())
    labels = index["wnid"].iloc[rows].map(label_of).to_numpy(dtype=np.int64, copy=True)
    return Examples(store, rows, labels)


def mean_image(examples: Examples) -> torch.Tensor:
    """Return the mean over the examples' images: float32 (size, size, 3), BGR, 0..255."""
    total = np.zeros(examples.store.shape[1:], dtype=np.int64)
    for start in range(0, len(examples), TEST_BATCH):
        total += examples.store[examples.rows[start : start + TEST_BATCH]].sum(axis=0, dtype=np.int64)
    return torch.from_numpy((total / len(examples)).astype(np.float32)).flip(-1)


class Pixels:
    """Random access to a subset's images, as uint8 (batch, size, size, 3), BGR, on a device."""

    def __init__(self, examples: Examples, device: torch.device):
        self._examples = examples
        self._device = device
        room = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else RESIDENT_BYTES
        self.resident = len(examples) * math.prod(examples.store.shape[1:]) <= room
        self._all = self._read(np.arange(len(examples))) if self.resident else None

    def __getitem__(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the images at `positions` (int64, on the CPU) of the subset."""
        if self.resident:
            return self._all.index_select(0, positions.to(self._device))
        return self._read(positions.numpy())

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Yield the images of batch after batch; those that are not resident are read one batch ahead, in a thread."""
        if self.resident:
            yield from (self[batch] for batch in positions)
            return
        with ThreadPoolExecutor(1) as reader:
            ahead = None
            for batch in positions:
                following = reader.submit(self.__getitem__, batch)
                if ahead is not None:
                    yield ahead.result()
                ahead = following
            if ahead is not None:
                yield ahead.result()

    def _read(self, positions: np.ndarray) -> torch.Tensor:
        images = torch.from_numpy(self._examples.store[self._examples.rows[positions]])
        if self._device.type == "cuda":
            images = images.pin_memory()
        return images.to(self._device, non_blocking=True).flip(-1)


class Preparation:
    """Turns uint8 images into a network's input: crop, mirror, minus the mean image, times the pixel scale.

    The mean is subtracted pixel by pixel before cropping and mirroring, as Caffe does.
    """

    def __init__(self, mean: torch.Tensor, crop: int, mirror: bool, pixel_scale: float):
        self._mean, self._crop, self._mirror, self._scale = mean, crop, mirror, pixel_scale
        self._margin = mean.shape[0] - crop
        self.random = mirror or self._margin > 0
        self._mean_windows = self._windows(torch.stack([mean, mean.flip(1)]))

    def train(self, images: torch.Tensor) -> torch.Tensor:
        """Prepare a training batch, drawing crop and mirror for each image: float32 (batch, 3, crop, crop)."""
        if not self.random:
            return self._finish(images.float() - self._mean)
        batch, device = len(images), images.device
        top, left = torch.randint(self._margin + 1, (2, batch), device=device)
        mirrored = torch.zeros(batch, dtype=torch.int64, device=device)
        if self._mirror:
            mirrored = (torch.rand(batch, device=device) < 0.5).long()
            images = torch.cat([images, images.flip(2)])
            left = torch.where(mirrored == 1, self._margin - left, left)
        places = torch.arange(batch, device=device) + batch * mirrored
        crops = self._windows(images)[places, top, left].float()
        crops -= self._mean_windows[mirrored, top, left]
        return self._finish(crops.view(batch, self._crop, self._crop, 3))

    def _windows(self, images: torch.Tensor) -> torch.Tensor:
        """A view of all crops of images: (images, top, left, crop, crop * 3), whose rows are in one piece each."""
        rows = images.flatten(2).unfold(2, 3 * self._crop, 3).unfold(1, self._crop, 1)
        return rows.transpose(3, 4)

    def test(self, images: torch.Tensor) -> torch.Tensor:
        """Prepare a test batch: the centre crop, not mirrored."""
        start = self._margin // 2
        centre = slice(start, start + self._crop)
        return self._finish(images[:, centre, centre].float() - self._mean[centre, centre])

    def _finish(self, centred: torch.Tensor) -> torch.Tensor:
        return centred.mul_(self._scale).permute(0, 3, 1, 2)


def batch_positions(examples: int, batch_size: int, start: int, stop: int, seed_of_epoch) -> Iterator[torch.Tensor]:
    """Yield the positions of batches start..stop-1 of an endless pass over shuffled examples.

    Epoch e is a permutation drawn with seed_of_epoch(e); batches run on over the ends of epochs. So each batch is
    a function of its number, and a resumed training sees what an uninterrupted one would have seen.
    """
    permutation = lru_cache(maxsize=2)(lambda epoch: _shuffled(examples, seed_of_epoch(epoch)))
    for number in range(start, stop):
        first, last = number * batch_size, (number + 1) * batch_size
        parts = []
        while first < last:
            epoch, offset = divmod(first, examples)
            part = permutation(epoch)[offset : offset + last - first]
            parts.append(part)
            first += len(part)
        yield torch.cat(parts) if len(parts) > 1 else parts[0]


def _shuffled(examples: int, seed: int) -> torch.Tensor:
    return torch.randperm(examples, generator=torch.Generator().manual_seed(seed))
