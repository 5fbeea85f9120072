"""What is known of each architecture without building it: layers, sizes, how it wants its pixels (resources/architectures.csv)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from transferability.common.resources import RESOURCES


@dataclass(frozen=True)
class Architecture:
    """A row of the catalogue. `sizes` are the squares that it takes, in pixels; `parameters` counts those of 1000 classes.

    `mean` and `std` (red, green, blue, of pixels from 0 to 1) standardise its pixels. They are None for the networks of
    the house, which take blue, green, red from 0 to 255 less the mean image.
    """

    name: str
    layers: tuple[str, ...]
    parameters: int
    sizes: range
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


@cache
def catalogue() -> Mapping[str, Architecture]:
    """Return all architectures of the catalogue by name."""
    with (RESOURCES / "architectures.csv").open(encoding="utf-8", newline="") as file:
        return {row["architecture"]: _architecture(row) for row in csv.DictReader(file)}


def _architecture(row: Mapping[str, str]) -> Architecture:
    return Architecture(
        name=row["architecture"],
        layers=tuple(row["layers"].split()),
        parameters=int(row["parameters"]),
        sizes=range(int(row["smallest"]), int(row["largest"]) + 1, int(row["step"])),
        mean=_numbers(row["mean"]),
        std=_numbers(row["std"]),
    )


def _numbers(text: str) -> tuple[float, ...] | None:
    return tuple(map(float, text.split())) or None


def layer_names(architecture: str) -> tuple[str, ...]:
    """Return the names of an architecture's layers, in order; none where the catalogue lacks it."""
    return catalogue()[architecture].layers if architecture in catalogue() else ()


def is_of_the_house(architecture: str) -> bool:
    """Whether it takes its pixels as blue, green, red less the mean image, as the paper's network does."""
    return architecture in catalogue() and catalogue()[architecture].mean is None


def has_the_papers_layers(architecture: str) -> bool:
    """Whether the paper's claims speak of its layers: it is the paper's network, or a small one of the same eight."""
    return is_of_the_house(architecture) and len(layer_names(architecture)) == 8
