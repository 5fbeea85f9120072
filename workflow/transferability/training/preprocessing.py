"""Converting stored images to a network's input: crop, mirror, subtract a mean, scale."""

import math

import numpy as np
import torch
from torch.nn import functional

from transferability.study.blueprint import Blueprint
from transferability.study.training_settings import Settings
from transferability.tasks.task import Examples
from transferability.training.batches import TEST_BATCH

ASPECT = 4 / 3  # the largest ratio of width to height of resized-crop; Szegedy et al. 2015, as in torchvision


def mean_image(examples: Examples) -> torch.Tensor:
    """Return the mean over the examples' images: float32 (size, size, 3), BGR, 0..255."""
    total = np.zeros(examples.store.shape[1:], dtype=np.int64)
    for start in range(0, len(examples), TEST_BATCH):
        total += examples.store[examples.rows[start : start + TEST_BATCH]].sum(axis=0, dtype=np.int64)
    return torch.from_numpy((total / len(examples)).astype(np.float32)).flip(-1)


class Preparation:
    """Converts uint8 images to a network's input: cropped, mirrored, less `mean`, times `scale`.

    `mean` is float32, an image of shape (size, size, 3) or a value per channel (3,); `scale` is a number or (3,). Both
    have their channels in the order of the images: blue, green, red if `bgr` is True. The mean is subtracted pixel by
    pixel before cropping and mirroring, as in Caffe.
    """

    def __init__(self, mean: torch.Tensor, scale: float | torch.Tensor, bgr: bool, size: int, settings: Settings):
        self.mean, self.bgr, self._scale = mean, bgr, scale
        self._crop, self._mirror, self._smallest = settings.input_size, settings.horizontal_flip, settings.min_crop_area
        self._margin = size - settings.input_size
        self._resizes = settings.augmentation == "random-resized-crop"
        self.random = self._mirror or self._resizes or self._margin > 0
        self.views = settings.views if self.random else 1  # of each image; None if each epoch draws new ones
        self._means = torch.stack([mean, mean.flip(1)]) if mean.dim() == 3 else None

    @classmethod
    def less_mean_image(cls, mean: torch.Tensor, scale: float, settings: Settings) -> "Preparation":
        """Return the preparation that Caffe uses: channels blue, green, red, less the mean image."""
        return cls(mean, scale, True, mean.shape[0], settings)

    @classmethod
    def standardised(cls, blueprint: Blueprint, size: int, settings: Settings, device: torch.device) -> "Preparation":
        """Return a preparation that standardises pixels with the blueprint's mean and std, of pixels from 0 to 1."""
        mean, std = (255 * torch.tensor(numbers, device=device) for numbers in (blueprint.mean, blueprint.std))
        return cls(mean, 1 / std, blueprint.order == "bgr", size, settings)

    def draw(self, images: int, device: torch.device, generator: torch.Generator | None = None) -> torch.Tensor:
        """Draw what is random in the preparation of training images: a column for each image.

        Its rows are, for random crops: top, left, and 1 if mirrored; for resized crops: five numbers from 0 to 1.
        """
        if self._resizes:
            return torch.rand((5, images), device=device, generator=generator)
        corner = torch.randint(self._margin + 1, (2, images), device=device, generator=generator)
        mirrored = torch.zeros((1, images), dtype=torch.int64, device=device)
        if self._mirror:
            mirrored = (torch.rand((1, images), device=device, generator=generator) < 0.5).long()
        return torch.cat([corner, mirrored])

    def train(self, images: torch.Tensor, draws: torch.Tensor | None = None) -> torch.Tensor:
        """Prepare a training batch: float32 (batch, 3, crop, crop).

        `draws` says how to crop and mirror each image (`draw`); if None, that is drawn from torch's global generator.
        """
        if not self.random:
            return self._finish(images.float() - self.mean)
        draws = self.draw(len(images), images.device) if draws is None else draws
        return self._finish(self._resized(images, draws) if self._resizes else self._cropped(images, draws))

    def _cropped(self, images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        batch, device = len(images), images.device
        top, left, mirrored = draws
        if self._mirror:
            images = torch.cat([images, _mirrored(images)])
            left = torch.where(mirrored == 1, self._margin - left, left)
        places = torch.arange(batch, device=device) + batch * mirrored
        crops = self._cut(images, places, top, left).float()
        crops -= self.mean if self._means is None else self._cut(self._means, mirrored, top, left)
        return crops

    def _cut(self, images: torch.Tensor, places: torch.Tensor, top: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
        """Take a crop of each of images[places], row by row: on CPUs, indexing by places copies element by element."""
        size = images.shape[1]
        rows = images.view(-1).unfold(0, 3 * self._crop, 3)  # a view of all runs of `crop` pixels
        first = (places * size + top) * size + left
        runs = first[:, None] + size * torch.arange(self._crop, device=images.device)
        return rows.index_select(0, runs.view(-1)).view(-1, self._crop, self._crop, 3)

    def _resized(self, images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        """Take a rectangle of random area, aspect and position from each image; resize it to `crop` x `crop` pixels.

        A rectangle larger than the image is cut down to it. Pixels are interpolated, not averaged.
        """
        area, aspect, across, down, side = draws
        area = self._smallest + (1 - self._smallest) * area
        aspect = torch.exp(math.log(ASPECT) * (2 * aspect - 1))
        width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
        direction = torch.where(side < 0.5, -1, 1) if self._mirror else 1
        zero = torch.zeros_like(width)
        places = torch.stack(  # from the square's coordinates, -1 to 1, to the image's
            [width * direction, zero, (1 - width) * (2 * across - 1), zero, height, (1 - height) * (2 * down - 1)], 1
        ).view(-1, 2, 3)
        grid = functional.affine_grid(places, [len(images), 3, self._crop, self._crop], align_corners=False)
        pixels = (images.float() - self.mean).permute(0, 3, 1, 2)
        cut = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
        return cut.permute(0, 2, 3, 1)

    def test(self, images: torch.Tensor) -> torch.Tensor:
        """Prepare a test batch: the centre crop, not mirrored."""
        start = self._margin // 2
        centre = slice(start, start + self._crop)
        mean = self.mean if self._means is None else self.mean[centre, centre]
        return self._finish(images[:, centre, centre].float() - mean)

    def _finish(self, centred: torch.Tensor) -> torch.Tensor:
        return centred.mul_(self._scale).permute(0, 3, 1, 2)


# Reversing all axes, or all but the channels, is one long run in memory. Two of those take a CPU a quarter to a
# sixteenth of the time of reversing one axis; on a GPU there is no difference.
def _mirrored(images: torch.Tensor) -> torch.Tensor:
    return images.flip(2) if images.is_cuda else images.flip(0, 1, 2).flip(0, 1)
