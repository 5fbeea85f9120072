"""The first layer's kernels of each base network as tiled pictures: edges, blobs, and others."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.analysis.kernels import describe_kernels

COLUMNS = 4  # base networks in a row
GAP = 1  # pixels between kernels
BETWEEN = 4  # pixels between groups
MOST = 100  # kernels drawn per network at most
TILES, LABELS, TITLE = 1.35, 0.5, 0.5  # inches: width of a network's tiles, width of its labels, height of its title


def draw_filters(kernels: Mapping[str, np.ndarray], missing: str = "") -> Figure:
    """Draw the kernels of networks by name: each (kernels, 3, height, width), red, green, blue.

    Each kernel is scaled separately, so that 0 is grey and its strongest weight is black or white. Edges come first,
    then blobs, then others, the clearest of each first. If a network has more than MOST kernels, those with the largest
    norm are drawn. Without networks the figure shows the text `missing`.
    """
    if not kernels:
        figure = Figure(figsize=(6.8, 1.2), layout="constrained")
        figure.text(0.5, 0.5, missing, ha="center", va="center", wrap=True)
        return figure
    rows = math.ceil(len(kernels) / COLUMNS)
    columns = min(COLUMNS, len(kernels))
    pictures = [tile_groups(weights) for weights in kernels.values()]
    tallest = max(picture.shape[0] / picture.shape[1] for picture, _ in pictures)
    size = columns * (TILES + LABELS), rows * (TILES * tallest + TITLE)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(kernels) :]:
        axes.set_axis_off()
    for axes, (name, weights), (picture, labels) in zip(panels, kernels.items(), pictures, strict=False):
        _draw_panel(axes, picture, labels)
        cap = f"\nthe {MOST} strongest:" if len(weights) > MOST else ""
        axes.set_title(f"{name}\n{len(weights)} kernels of {weights.shape[2]} x {weights.shape[3]}{cap}", fontsize=8)
    return figure


def _draw_panel(axes: Axes, picture: np.ndarray, labels: Mapping[str, float]) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_anchor("N")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks(list(labels.values()), list(labels), fontsize=7)
    axes.tick_params(length=0, pad=2)


def strongest(weights: np.ndarray) -> np.ndarray:
    """Return the indices of the MOST kernels with the largest norm, ascending; of all kernels if there are no more."""
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    return np.sort(np.argsort(-norms, kind="stable")[:MOST])


def groups(weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the indices of the kernels that are edges, blobs or neither, the clearest of each first.

    `weights` has the shape (kernels, 3, height, width).
    """
    table = describe_kernels(weights).round(4)
    fits = {"edges": table["gabor"], "blobs": table["patch"], "neither": table[["gabor", "patch"]].max(axis=1)}
    members = {"edges": table["edge"], "blobs": table["blob"], "neither": ~(table["edge"] | table["blob"])}
    return {name: fit[members[name]].sort_values(ascending=False, kind="stable").index for name, fit in fits.items()}


def tile_groups(weights: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """Return kernels as one picture, group below group, and the row of the picture for the label of each group."""
    drawn = strongest(weights)
    across = math.ceil(math.sqrt(len(drawn)))
    pieces, labels, top = [], {}, 0
    for name, members in groups(weights).items():
        shown = members[np.isin(members, drawn)]
        if len(shown):
            piece = tile(weights[shown], across)
            number = str(len(members)) if len(shown) == len(members) else f"{len(shown)} of {len(members)}"
            labels[f"{name}\n{number}"] = top + (len(piece) - 1) / 2
            pieces += [np.ones((BETWEEN, *piece.shape[1:])), piece]
            top += len(piece) + BETWEEN
    return np.concatenate(pieces[1:]), labels


def tile(weights: np.ndarray, across: int) -> np.ndarray:
    """Return kernels (kernels, 3, height, width), RGB, `across` in a row, as one picture of floats from 0 to 1."""
    count, _, height, width = weights.shape
    down = math.ceil(count / across)
    picture = np.ones((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3))
    for place, kernel in enumerate(weights):
        strongest_weight = max(np.abs(kernel).max(), np.finfo(np.float32).tiny)
        row, column = divmod(place, across)
        top, left = row * (height + GAP), column * (width + GAP)
        picture[top : top + height, left : left + width] = 0.5 + kernel.transpose(1, 2, 0) / (2 * strongest_weight)
    return picture
