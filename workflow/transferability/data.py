"""From the store to a batch on the device: which images, in which order, cropped and mirrored, less the mean image."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import torch

RESIDENT_BYTES = 2**30  # a subset up to this size is held in memory as a whole on a CPU
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


def resident_bytes(device: torch.device) -> int:
    """Return up to which size a subset is held on a device as a whole: on a GPU half of what is free of this job's."""
    if device.type != "cuda":
        return RESIDENT_BYTES
    free, total = torch.cuda.mem_get_info(device)
    share = total * torch.cuda.get_per_process_memory_fraction(device) - torch.cuda.memory_allocated(device)
    return int(min(free, share)) // 2


class Pixels:
    """A subset's images on a device: held there as a whole if they fit, else read from the store ahead of their use."""

    def __init__(self, examples: Examples, device: torch.device):
        self._examples, self._device = examples, device
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None  # beside the computation's stream
        self.resident = len(examples) * math.prod(examples.store.shape[1:]) <= resident_bytes(device)
        self._all = self._read_all() if self.resident else None

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield, for batch after batch of positions (int64, on the CPU), these on the device, and the images there.

        Images are uint8 (batch, size, size, 3), BGR.
        """
        if not self.resident:
            yield from self._read_ahead(positions)
            return
        for batch in positions:
            places = to_device(batch, self._device)
            yield places, self._all.index_select(0, places)

    def _read_all(self) -> torch.Tensor:
        shape = (len(self._examples), *self._examples.store.shape[1:])
        images = torch.empty(shape, dtype=torch.uint8, device=self._device)
        parts = self._read_ahead(torch.arange(len(images)).split(TEST_BATCH))
        for part, (_, read) in zip(images.split(TEST_BATCH), parts, strict=True):
            part.copy_(read)
        return images

    def _read_ahead(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """As many threads as torch has read a batch each, which are used in their order."""
        readers = torch.get_num_threads()
        # A thread begins on the first GPU, and would take memory there.
        own_device = partial(torch.cuda.set_device, self._device) if self._device.type == "cuda" else None
        with ThreadPoolExecutor(readers, initializer=own_device) as pool:
            ahead = deque()
            for batch in positions:
                ahead.append(pool.submit(self._read, batch))
                if len(ahead) > readers:
                    yield self._arrived(*ahead.popleft().result())
            while ahead:
                yield self._arrived(*ahead.popleft().result())

    def _read(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.cuda.Event | None]:
        images = torch.from_numpy(self._examples.store[self._examples.rows[positions.numpy()]])
        with torch.cuda.stream(self._copies):  # None changes nothing
            places, images = to_device(positions, self._device), _bgr(to_device(images, self._device))
            return places, images, self._copies and self._copies.record_event()

    def _arrived(
        self, places: torch.Tensor, images: torch.Tensor, copied: torch.cuda.Event | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if copied is not None:
            computation = torch.cuda.current_stream(self._device)
            computation.wait_event(copied)
            for tensor in (places, images):  # allocated for the other stream, which must not reuse them too early
                tensor.record_stream(computation)
        return places, images


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor from the CPU to a device; neither waits for the other."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


class Preparation:
    """Turns uint8 images into a network's input: crop, mirror, minus the mean image, times the pixel scale.

    The mean is subtracted pixel by pixel before cropping and mirroring, as Caffe does.
    """

    def __init__(self, mean: torch.Tensor, crop: int, mirror: bool, pixel_scale: float):
        self._mean, self._crop, self._mirror, self._scale = mean, crop, mirror, pixel_scale
        self._margin = mean.shape[0] - crop
        self.random = mirror or self._margin > 0
        self._means = torch.stack([mean, mean.flip(1)])

    def train(self, images: torch.Tensor) -> torch.Tensor:
        """Prepare a training batch, drawing crop and mirror for each image: float32 (batch, 3, crop, crop)."""
        if not self.random:
            return self._finish(images.float() - self._mean)
        batch, device = len(images), images.device
        top, left = torch.randint(self._margin + 1, (2, batch), device=device)
        mirrored = torch.zeros(batch, dtype=torch.int64, device=device)
        if self._mirror:
            mirrored = (torch.rand(batch, device=device) < 0.5).long()
            images = torch.cat([images, _mirrored(images)])
            left = torch.where(mirrored == 1, self._margin - left, left)
        places = torch.arange(batch, device=device) + batch * mirrored
        crops = self._cut(images, places, top, left).float()
        crops -= self._cut(self._means, mirrored, top, left)
        return self._finish(crops)

    def _cut(self, images: torch.Tensor, places: torch.Tensor, top: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """Cut a crop out of each of images[places], row by row: indexing by places goes element by element on CPUs."""
        size = images.shape[1]
        rows = images.view(-1).unfold(0, 3 * self._crop, 3)  # a view of all runs of `crop` pixels
        first = (places * size + top) * size + left
        runs = first[:, None] + size * torch.arange(self._crop, device=images.device)
        return rows.index_select(0, runs.view(-1)).view(-1, self._crop, self._crop, 3)

    def test(self, images: torch.Tensor) -> torch.Tensor:
        """Prepare a test batch: the centre crop, not mirrored."""
        start = self._margin // 2
        centre = slice(start, start + self._crop)
        return self._finish(images[:, centre, centre].float() - self._mean[centre, centre])

    def _finish(self, centred: torch.Tensor) -> torch.Tensor:
        return centred.mul_(self._scale).permute(0, 3, 1, 2)


# Reversing all axes, or all but the channels, is one long run in memory. Two of those take a CPU a quarter to a
# sixteenth of the time of reversing the one axis; a GPU does not mind.
def _mirrored(images: torch.Tensor) -> torch.Tensor:
    return images.flip(2) if images.is_cuda else images.flip(0, 1, 2).flip(0, 1)


def _bgr(images: torch.Tensor) -> torch.Tensor:
    return images.flip(3) if images.is_cuda else images.flip(0, 1, 2, 3).flip(0, 1, 2)


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
