"""Batches on the device, read from the store: which images, and in which order."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import torch

from transferability.tasks.task import Examples

RESIDENT_BYTES = 2**30  # on a CPU, subsets up to this size are kept in memory
TEST_BATCH = 500


def resident_bytes(device: torch.device) -> int:
    """Return the largest size of a subset to keep on a device, in bytes: on a GPU half of this job's free memory."""
    if device.type != "cuda":
        return RESIDENT_BYTES
    free, total = torch.cuda.mem_get_info(device)
    share = total * torch.cuda.get_per_process_memory_fraction(device) - torch.cuda.memory_allocated(device)
    return int(min(free, share)) // 2


class Pixels:
    """A subset's images on a device: all are kept there if they fit, else they are read from the store in advance.

    Their channels are blue, green, red if `bgr` is True, else red, green, blue as in the store.
    """

    def __init__(self, examples: Examples, device: torch.device, bgr: bool):
        self._examples, self.device, self._bgr = examples, device, bgr
        self.labels = torch.from_numpy(examples.labels).to(device)
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None  # beside that of the computation
        self.resident = len(examples) * math.prod(examples.store.shape[1:]) <= resident_bytes(device)
        self._all = self._read_all() if self.resident else None

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield images and labels on the device, one batch for each tensor of positions (int64, on the CPU).

        Images are uint8 (batch, size, size, 3).
        """
        if not self.resident:
            for places, images in self._read_ahead(positions):
                yield images, self.labels.index_select(0, places)
            return
        for batch in positions:
            places = to_device(batch, self.device)
            yield self._all.index_select(0, places), self.labels.index_select(0, places)

    def _read_all(self) -> torch.Tensor:
        shape = (len(self._examples), *self._examples.store.shape[1:])
        images = torch.empty(shape, dtype=torch.uint8, device=self.device)
        parts = self._read_ahead(torch.arange(len(images)).split(TEST_BATCH))
        for part, (_, read) in zip(images.split(TEST_BATCH), parts, strict=True):
            part.copy_(read)
        return images

    def _read_ahead(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Read batches in advance, each in one of as many threads as torch uses; yield them in order."""
        readers = torch.get_num_threads()
        # By default a thread uses the first GPU, and would allocate memory there.
        own_device = partial(torch.cuda.set_device, self.device) if self.device.type == "cuda" else None
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
        with torch.cuda.stream(self._copies):  # has no effect if None
            places, images = to_device(positions, self.device), to_device(images, self.device)
            images = _reversed(images) if self._bgr else images
            return places, images, self._copies and self._copies.record_event()

    def _arrived(
        self, places: torch.Tensor, images: torch.Tensor, copied: torch.cuda.Event | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if copied is not None:
            computation = torch.cuda.current_stream(self.device)
            computation.wait_event(copied)
            for tensor in (places, images):  # memory of the other stream, which must not reuse it too early
                tensor.record_stream(computation)
        return places, images


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor from the CPU to a device asynchronously."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _reversed(images: torch.Tensor) -> torch.Tensor:
    return images.flip(3) if images.is_cuda else images.flip(0, 1, 2, 3).flip(0, 1, 2)


def batch_positions(
    examples: int, batch_size: int, start: int, stop: int, seed_of_epoch: Callable[[int], int], views: int = 1
) -> Iterator[torch.Tensor]:
    """Yield the positions of batches start..stop-1 of an endless sequence of shuffled epochs.

    Epoch e is a permutation drawn with seed_of_epoch(e); a batch may extend from one epoch into the next. So each batch
    is a function of its number, and a resumed training run sees the same batches as an uninterrupted one. With several
    `views` of each example, epoch e takes view v = e mod views; position v * examples + i is that of example i.
    """
    permutation = lru_cache(maxsize=2)(lambda epoch: _shuffled(examples, seed_of_epoch(epoch)))
    for number in range(start, stop):
        first, last = number * batch_size, (number + 1) * batch_size
        parts = []
        while first < last:
            epoch, offset = divmod(first, examples)
            part = permutation(epoch)[offset : offset + last - first]
            parts.append(epoch % views * examples + part)
            first += len(part)
        yield torch.cat(parts) if len(parts) > 1 else parts[0]


def _shuffled(examples: int, seed: int) -> torch.Tensor:
    return torch.randperm(examples, generator=torch.Generator().manual_seed(seed))
