"""What the kernels of a first layer look like, in numbers: oriented edges, colour blobs, or neither."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

REFERENCE = 2000  # random kernels that thresholds are taken from
RANDOM_SHARE = 0.05  # so many of the random ones count as edges, and as blobs


def first_kernels(tensors: Mapping[str, np.ndarray], first_layer: str = "", bgr: bool = False) -> np.ndarray | None:
    """Return the kernels of a network's first layer, (kernels, 3, height, width) in red, green, blue; None without one.

    They are the one tensor of four dimensions with 3 input channels; among several, the one whose name begins with that
    of the first layer. `bgr` says that the network takes blue first.
    """
    found = {name: array for name, array in tensors.items() if array.ndim == 4 and array.shape[1] == 3}
    if len(found) > 1:
        found = {name: array for name, array in found.items() if first_layer and name.startswith(f"{first_layer}.")}
    if len(found) != 1:
        return None
    (kernels,) = found.values()
    return kernels[:, ::-1] if bgr else kernels


def describe_kernels(kernels: np.ndarray) -> pd.DataFrame:
    """Measure kernels of shape (kernels, colours, height, width); one row each, in their order.

    `orientation`, 0 to 1, is how much of the brightness's Fourier power lies along one direction: |sum of P exp(2 i a)|
    / sum of P over frequencies at angle a, without frequency 0. `colour`, 0 to 1, is the share of the kernel's power
    that is colour (what differs from the mean of the channels) and slowly varying (at most one period across the
    kernel). A kernel is an `edge`, or a `blob`, if its orientation, or its colour, exceeds that of 95 % of kernels of
    gaussian white noise of the same shape; of both it is the one that exceeds more, in standard deviations.
    """
    noise = np.random.default_rng(0).standard_normal((REFERENCE, *kernels.shape[1:]))
    orientation, colour = _orientation(kernels), _colour(kernels)
    edge = _excess(orientation, _orientation(noise))
    blob = _excess(colour, _colour(noise))
    return pd.DataFrame(
        {
            "orientation": orientation,
            "colour": colour,
            "edge": (edge > 0) & (edge >= blob),
            "blob": (blob > 0) & (blob > edge),
        }
    )


def _excess(values: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """How far values lie above all but RANDOM_SHARE of those of noise, in standard deviations of these."""
    return (values - np.quantile(noise, 1 - RANDOM_SHARE)) / noise.std()


def kernels_table(kernels: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Describe the kernels of networks by "split/network": columns split, network, kernel and those of one network."""
    tables = []
    for key, weights in kernels.items():
        split, network = key.split("/")
        described = describe_kernels(weights)
        described.insert(0, "kernel", range(len(described)))
        tables.append(described.assign(split=split, network=network))
    columns = ["split", "network", "kernel", "orientation", "colour", "edge", "blob"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def read_kernels(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables that `kernels_table` gave, as one; without any, one without rows."""
    tables = [pd.read_csv(path) for path in paths]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["split", "network", "edge", "blob"])


def _spectrum(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power of images (..., height, width), zero-padded to 32 x 32, and the frequencies (cycles a pixel) it lies at."""
    size = max(32, *images.shape[-2:])
    power = np.abs(np.fft.fft2(images, (size, size))) ** 2
    frequencies = np.fft.fftfreq(size)
    return power, frequencies[:, None], frequencies[None, :]


def _orientation(kernels: np.ndarray) -> np.ndarray:
    brightness = kernels.mean(axis=1)
    power, down, across = _spectrum(brightness - brightness.mean(axis=(1, 2), keepdims=True))
    direction = np.exp(2j * np.arctan2(down, across))
    return np.abs((power * direction).sum(axis=(1, 2))) / np.maximum(power.sum(axis=(1, 2)), np.finfo(float).tiny)


def _colour(kernels: np.ndarray) -> np.ndarray:
    chroma = kernels - kernels.mean(axis=1, keepdims=True)
    power, down, across = _spectrum(chroma)
    slow = np.hypot(down, across) <= 1 / kernels.shape[-1]
    total = _spectrum(kernels)[0].sum(axis=(1, 2, 3))
    return power[..., slow].sum(axis=(1, 2)) / np.maximum(total, np.finfo(float).tiny)
