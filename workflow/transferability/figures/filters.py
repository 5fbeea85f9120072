"""The first layer's kernels of each base network as a tiled picture."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

COLUMNS = 4  # base networks beside each other
GAP = 1  # pixels between kernels
MOST = 100  # kernels of a network that are drawn


def draw_filters(kernels: Mapping[str, np.ndarray], missing: str = "") -> Figure:
    """Draw the kernels of networks by name: each (kernels, 3, height, width), red, green, blue.

    Each kernel is scaled by itself, so that 0 is grey and its strongest weight black or white. Of more than MOST
    kernels these are the ones of the largest norm. Without networks the figure says in words what is `missing`.
    """
    if not kernels:
        figure = Figure(figsize=(6.8, 1.2), layout="constrained")
        figure.text(0.5, 0.5, missing, ha="center", va="center", wrap=True)
        return figure
    rows = math.ceil(len(kernels) / COLUMNS)
    columns = min(COLUMNS, len(kernels))
    figure = Figure(figsize=(1.75 * columns + 0.1, 2.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, weights) in zip(panels, kernels.items(), strict=False):
        drawn = strongest(weights)
        axes.imshow(tile(drawn), interpolation="nearest")
        cap = f"\nthe {len(drawn)} strongest:" if len(drawn) < len(weights) else ""
        axes.set_title(f"{name}\n{len(weights)} kernels of {weights.shape[2]} x {weights.shape[3]}{cap}", fontsize=8)
    return figure


def strongest(weights: np.ndarray) -> np.ndarray:
    """Return the MOST kernels of the largest norm, in their order; all if there are no more."""
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    return weights[np.sort(np.argsort(-norms, kind="stable")[:MOST])]


def tile(weights: np.ndarray) -> np.ndarray:
    """Return kernels (kernels, 3, height, width), RGB, as one near-square picture of floats from 0 to 1."""
    count, _, height, width = weights.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    picture = np.ones((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3))
    for place, kernel in enumerate(weights):
        strongest_weight = max(np.abs(kernel).max(), np.finfo(np.float32).tiny)
        row, column = divmod(place, across)
        top, left = row * (height + GAP), column * (width + GAP)
        picture[top : top + height, left : left + width] = 0.5 + kernel.transpose(1, 2, 0) / (2 * strongest_weight)
    return picture
