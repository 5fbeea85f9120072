"""Fixed views of images: crops and mirrors that are drawn once (`preprocessing`), and shared by all networks
on the same task.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import tee

import torch

from transferability.training.batches import Pixels, to_device


class Views:
    """A subset's images in several views each: place v * images + i is view v of image i.

    `draws` holds what is random in each view, a column for each place (`Preparation.draw`). `prepare` makes a network's
    input from images and their draws (`Preparation.train`).
    """

    def __init__(self, pixels: Pixels, draws: torch.Tensor, prepare: Callable[..., torch.Tensor]):
        self._pixels, self.device, self._prepare = pixels, pixels.device, prepare
        self._draws = draws.to(self.device)
        self.labels = pixels.labels.repeat(draws.shape[1] // len(pixels))

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, places: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield prepared images and labels on the device, one batch for each tensor of places (int64, on the CPU)."""
        places, same = tee(places)
        batches = self._pixels.batches(batch % len(self._pixels) for batch in same)
        for batch, (images, labels) in zip(places, batches, strict=True):
            yield self._prepare(images, self._draws.index_select(1, to_device(batch, self.device))), labels
