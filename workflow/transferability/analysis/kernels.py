"""Classifying the kernels of a first layer by measurements: oriented edges, colour blobs, or neither."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

SHOWN = (
    0.4  # share of a kernel's power, beyond chance, that a visible form must explain; chosen on kernels judged by eye
)
COLOURED = 0.25  # share of a patch's power that is colour: 0 for grey, 1/3 for yellow, 2/3 for red, 1 for red - green
REFERENCE = 500  # random kernels, which show how much of noise is explained by chance
WIDTHS = (0.25, 0.5)  # standard deviations of envelopes, in units of the kernel's size
PLACES = (-0.25, 0.0, 0.25)  # offsets of envelopes from the middle, down and across, in units of the kernel's size
STEP = 0.5  # step between the frequencies of Gabor functions, in cycles per kernel
FASTEST = 1 / 3  # their largest frequency, in cycles per pixel: faster changes look like noise
SLOWEST = 0.5  # their smallest frequency, in cycles per kernel: a step from one side to the other
COLUMNS = ["split", "network", "kernel", "gabor", "patch", "colour", "edge", "blob", "edge_at_start", "blob_at_start"]


def first_kernels(tensors: Mapping[str, np.ndarray], first_layer: str = "", bgr: bool = False) -> np.ndarray | None:
    """Return the kernels of a network's first layer, (kernels, 3, height, width) in red, green, blue; None if absent.

    They are the only tensor with four dimensions and 3 input channels or, if there are several, the one whose name
    begins with the name of the first layer. `bgr` is True if the network's input is in the order blue, green, red.
    """
    found = {name: array for name, array in tensors.items() if array.ndim == 4 and array.shape[1] == 3}
    if len(found) > 1:
        found = {name: array for name, array in found.items() if first_layer and name.startswith(f"{first_layer}.")}
    if len(found) != 1:
        return None
    (kernels,) = found.values()
    return kernels[:, ::-1] if bgr else kernels


def describe_kernels(kernels: np.ndarray) -> pd.DataFrame:
    """Measure kernels of shape (kernels, 3, height, width); one row each, in their order.

    Two columns are shares of a kernel's power (the sum of squares of its weights) that a least-squares fit of one form
    explains:

    - `gabor`: the best Gabor function (Daugman 1985), a wave exp(2 pi i f x) under a Gaussian envelope, less its mean,
      with one phase and one axis of colour (grey is an axis, too);
    - `patch`: the best Gaussian envelope alone, of any colour.

    The best of many forms explains a part of any kernel, and more of a smaller one (a sixth of 5 x 5 noise). So a share
    s is converted to (s - m) / (1 - m), at least 0, where m is the median share for Gaussian noise of the same size: as
    in Cohen's kappa (1960), chance gives 0. `colour` is the share of the patch's power that is colour:
    1 - (r + g + b)^2 / (3 (r^2 + g^2 + b^2)).

    A kernel is an `edge` if `gabor` is above SHOWN and at least `patch`; it is a `blob` if `patch` is above SHOWN and
    above `gabor`, and `colour` is above COLOURED. So noise and grey patches are neither.
    """
    gabor, patch, colour = _fits(kernels)
    by_chance = _by_chance(*kernels.shape[2:])
    gabor, patch = (np.maximum(s - m, 0) / max(1 - m, 1e-9) for s, m in zip((gabor, patch), by_chance, strict=True))
    return pd.DataFrame(
        {
            "gabor": gabor,
            "patch": patch,
            "colour": colour,
            "edge": (gabor > SHOWN) & (gabor >= patch),
            "blob": (patch > SHOWN) & (patch > gabor) & (colour > COLOURED),
        }
    )


def kernels_table(kernels: Mapping[str, np.ndarray], at_start: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Describe the kernels of networks, given by "split/network", in a table with COLUMNS.

    `at_start` has the kernels with which training began, for the networks whose initial weights are known. Shares are
    rounded, so that the table is the same on all machines.
    """
    tables = []
    for key, weights in kernels.items():
        split, network = key.split("/")
        described = describe_kernels(weights).round(4)
        described.insert(0, "kernel", range(len(described)))
        if key in at_start:
            begun = describe_kernels(at_start[key])
            described = described.assign(edge_at_start=begun["edge"], blob_at_start=begun["blob"])
        tables.append(described.assign(split=split, network=network))
    return pd.concat(tables).reindex(columns=COLUMNS) if tables else pd.DataFrame(columns=COLUMNS)


def read_kernels(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables of `kernels_table` as one table; without files it has no rows."""
    tables = [pd.read_csv(path) for path in paths]
    return pd.concat(tables) if tables else pd.DataFrame(columns=COLUMNS)


@cache
def _by_chance(height: int, width: int) -> tuple[float, float]:
    """Median shares of random kernels of this size that the best Gabor function and the best patch explain."""
    gabor, patch, _ = _fits(np.random.default_rng(0).standard_normal((REFERENCE, 3, height, width)))
    return float(np.median(gabor)), float(np.median(patch))


def _fits(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares that the best Gabor function and the best patch explain, and the patch's share of colour; 0 for zeros."""
    tiny = np.finfo(float).tiny
    values = kernels.reshape(*kernels.shape[:2], -1).astype(float)
    values /= np.maximum(np.linalg.norm(values, axis=(1, 2), keepdims=True), tiny)
    gabor, patch, colour = np.zeros((3, len(values)))
    for envelope, waves in _forms(*kernels.shape[2:]):
        gabor = np.maximum(gabor, _along_one_colour(values, waves))
        weights = values @ envelope
        power = (weights**2).sum(axis=1)
        share = 1 - weights.sum(axis=1) ** 2 / (3 * np.maximum(power, tiny))
        colour = np.where(power > patch, share, colour)
        patch = np.maximum(patch, power)
    return gabor, patch, colour


def _along_one_colour(values: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Power of kernels (kernels, 3, pixels) in the best of pairs of waves (pairs, pixels, 2), with one axis of colour.

    For a pair of waves it is the larger eigenvalue of the 2 x 2 matrix of products of the colours' coefficients.
    """
    if not waves.size:
        return np.zeros(len(values))  # a single weight has no waves
    cosine, sine = np.einsum("kcp,wpi->ikwc", values, waves, optimize=True)
    a, b, mixed = (cosine**2).sum(axis=-1), (sine**2).sum(axis=-1), (cosine * sine).sum(axis=-1)
    return ((a + b) / 2 + np.hypot((a - b) / 2, mixed)).max(axis=1)


def _forms(height: int, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each Gaussian envelope (pixels,), and the waves under it (pairs, pixels, 2), orthonormal with mean 0."""
    size = max(height, width)
    y, x = (np.mgrid[:height, :width].reshape(2, -1) - [[(height - 1) / 2], [(width - 1) / 2]]) / size
    steps = np.arange(-FASTEST * size // STEP, FASTEST * size // STEP + 1) * STEP
    down, across = (grid.reshape(-1, 1) for grid in np.meshgrid(steps, steps, indexing="ij"))
    one_half = (down > 0) | ((down == 0) & (across > 0))  # the other half are the same waves
    fitting = (np.hypot(down, across) >= SLOWEST) & (np.hypot(down, across) <= FASTEST * size) & one_half
    phases = 2 * np.pi * (down * y + across * x)[fitting[:, 0]]
    for deviation in WIDTHS:
        for top in PLACES:
            for left in PLACES:
                envelope = np.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * deviation**2))
                waves = envelope[:, None] * np.stack([np.cos(phases), np.sin(phases)], axis=-1)
                bases, sizes, _ = np.linalg.svd(waves - waves.mean(axis=1, keepdims=True), full_matrices=False)
                yield envelope / np.linalg.norm(envelope), bases * (sizes > 1e-9)[:, None]
