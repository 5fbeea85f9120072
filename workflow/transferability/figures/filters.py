"""The first layer's kernels of each base network as a tiled picture."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

COLUMNS = 4  # base networks beside each other
GAP = 1  # pixels between kernels


def draw_filters(kernels: Mapping[str, np.ndarray]) -> Figure:
    """Draw the kernels of networks by name: each (kernels, 3, height, width), channels in the network's order, BGR.

    Each kernel is scaled by itself, so that 0 is grey and its strongest weight black or white.
    """
    rows = math.ceil(len(kernels) / COLUMNS)
    columns = min(COLUMNS, len(kernels))
    figure = Figure(figsize=(1.75 * columns + 0.1, 2.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, weights) in zip(panels, kernels.items(), strict=False):
        axes.imshow(tile(weights), interpolation="nearest")
        axes.set_title(f"{name}\n{len(weights)} kernels of {weights.shape[2]} x {weights.shape[3]}", fontsize=8)
    return figure


def tile(weights: np.ndarray) -> np.ndarray:
    """Return kernels (kernels, 3, height, width), BGR, as one near-square RGB picture of floats from 0 to 1."""
    count, _, height, width = weights.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    picture = np.ones((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3))
    for place, kernel in enumerate(weights):
        strongest = max(np.abs(kernel).max(), np.finfo(np.float32).tiny)
        row, column = divmod(place, across)
        top, left = row * (height + GAP), column * (width + GAP)
        picture[top : top + height, left : left + width] = 0.5 + kernel[::-1].transpose(1, 2, 0) / (2 * strongest)
    return picture
