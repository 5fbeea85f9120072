"""Facts about architectures without building them: layers, sizes, pixels. Read from resources/architectures.csv."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.study.blueprint import Blueprint, is_of_a_library
from transferability.study.unlisted import describe

HOUSE = Path(__file__).parents[1] / "models" / "architectures"
# Mean and standard deviation of ImageNet's pixels (red, green, blue), with which most library models were trained.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
AS_KNOWN = {"order": "rgb", "mean": None, "std": None}  # pixels as in the catalogue


@dataclass(frozen=True)
class Architecture:
    """A row of the catalogue.

    `sizes` are the accepted sizes of square images, in pixels; `parameters` is their number with 1000 classes. `mean`
    and `std` (red, green, blue, of pixels from 0 to 1) standardise the pixels. They are None for the built-in networks,
    which take pixels from 0 to 255 in the order blue, green, red, minus the mean image.
    """

    name: str
    layers: tuple[str, ...]
    parameters: int
    sizes: range
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


def blueprint(name: str, pixels: Mapping = AS_KNOWN, size: int | None = None) -> Blueprint:
    """Return an architecture's blueprint, for images of `size` pixels.

    `pixels` is the section network.pixels of the configuration. If its mean and std are not None, they override those
    of the catalogue or, for unlisted architectures, of the library. Raises InputError if mean or std is unknown, and
    for an unlisted name that the library does not have.
    """
    if not is_of_a_library(name):
        return Blueprint(name, None, "bgr", None, None)
    mean, std = pixels["mean"], pixels["std"]
    if not (mean and std):
        known = catalogue().get(name) or describe(name, size)
        mean, std = mean or known.mean, std or known.std
    if not (mean and std):
        raise InputError(
            f"{name}: the library does not specify which pixels this network expects; give config keys "
            f"network.pixels.mean and network.pixels.std (most expect ImageNet's: {IMAGENET[0]} and {IMAGENET[1]})"
        )
    return Blueprint(name, library_version(name), pixels["order"], tuple(mean), tuple(std))


@cache
def library_version(name: str) -> str | None:
    """Return "timm 1.0.31" for timm/NAME, without importing the library; None for built-in architectures."""
    return f"{name.partition('/')[0]} {version(name.partition('/')[0])}" if is_of_a_library(name) else None


def house_names() -> list[str]:
    """Return the names of the built-in architectures."""
    return sorted(file.stem.replace("_", "-") for file in HOUSE.glob("[a-z]*.py"))


@cache
def catalogue() -> Mapping[str, Architecture]:
    """Return the architectures of the catalogue, by name."""
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


def sizes_in_words(sizes: range) -> str:
    """Return the accepted sizes of an architecture as text."""
    if len(sizes) < 3:
        return " or ".join(map(str, sizes))
    return f"{sizes[0]} to {sizes[-1]}" + (f" in steps of {sizes.step}" if sizes.step > 1 else "")


def layer_names(architecture: str) -> tuple[str, ...]:
    """Return the names of an architecture's layers, in order; () if the catalogue does not list it."""
    return catalogue()[architecture].layers if architecture in catalogue() else ()


def has_the_papers_layers(architecture: str) -> bool:
    """Whether the paper's claims apply to its layers: it is the paper's network, or a small one with the same eight."""
    return not is_of_a_library(architecture) and len(layer_names(architecture)) == 8
