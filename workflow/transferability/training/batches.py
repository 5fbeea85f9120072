"""From the store to a batch on the device: which images, and in which order."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import torch

from transferability.tasks.task import Examples

RESIDENT_BYTES = 2**30  # a subset up to this size is held in memory as a whole on a CPU
TEST_BATCH = 500


def resident_bytes(device: torch.device) -> int:
    """Return up to which size a subset is held on a device as a whole: on a GPU half of what is free of this job's."""
    if device.type != "cuda":
        return RESIDENT_BYTES
    free, total = torch.cuda.mem_get_info(device)
    share = total * torch.cuda.get_per_process_memory_fraction(device) - torch.cuda.memory_allocated(device)
    return int(min(free, share)) // 2


class Pixels:
    """A subset's images on a device: held there as a whole if they fit, else read from the store ahead of their use.

    Their channels are blue, green, red where `bgr` says so, else red, green, blue as in the store.
    """

    def __init__(self, examples: Examples, device: torch.device, bgr: bool):
        self._examples, self.device, self._bgr = examples, device, bgr
        self.labels = torch.from_numpy(examples.labels).to(device)
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None  # beside the computation's stream
        self.resident = len(examples) * math.prod(examples.store.shape[1:]) <= resident_bytes(device)
        self._all = self._read_all() if self.resident else None

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, positions: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the images and the labels of batch after batch of positions (int64, on the CPU), on the device.

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
        """As many threads as torch has read a batch each, which are used in their order."""
        readers = torch.get_num_threads()
        # A thread begins on the first GPU, and would take memory there.
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
        with torch.cuda.stream(self._copies):  # None changes nothing
            places, images = to_device(positions, self.device), to_device(images, self.device)
            images = _reversed(images) if self._bgr else images
            return places, images, self._copies and self._copies.record_event()

    def _arrived(
        self, places: torch.Tensor, images: torch.Tensor, copied: torch.cuda.Event | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if copied is not None:
            computation = torch.cuda.current_stream(self.device)
            computation.wait_event(copied)
            for tensor in (places, images):  # allocated for the other stream, which must not reuse them too early
                tensor.record_stream(computation)
        return places, images


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor from the CPU to a device; neither waits for the other."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _reversed(images: torch.Tensor) -> torch.Tensor:
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
