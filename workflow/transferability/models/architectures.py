"""The networks that a study can ask for by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from transferability.models.caffenet import caffenet, caffenet_mini


@dataclass(frozen=True)
class Architecture:
    """A family member: how it is built and what it expects.

    `build(size, classes)` gives the layers for square images of `size` pixels (`configuration.SIZES` lists those that
    it takes); pixels 0..255, less the mean image, are multiplied by `pixel_scale` before they enter.
    """

    build: Callable[[int, int], nn.Sequential]
    pixel_scale: float


ARCHITECTURES = {
    "caffenet": Architecture(caffenet, pixel_scale=1.0),
    "caffenet-mini": Architecture(caffenet_mini, pixel_scale=1 / 64),
}
