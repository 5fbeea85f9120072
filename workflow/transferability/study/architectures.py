"""What is known of each architecture without building it: layers, sizes, pixels (resources/architectures.csv)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from transferability.common.resources import RESOURCES


@dataclass(frozen=True)
class Architecture:
    """A row of the catalogue: `sizes` are the squares that it takes, in pixels; `parameters` are for 1000 classes.

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


def library_version(architecture: str) -> str | None:
    """Return the model library of an architecture with its version, "timm 1.0.31"; None for the house's own."""
    library, slash, _ = architecture.partition("/")
    return f"{library} {metadata.version(library)}" if slash else None


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
