"""Figure 4, our own: transfer loss over the semantic distance of the halves, at every n, and the rate of its growth."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from transferability.analysis.distance import STEP, by_split, distance_table
from transferability.analysis.effects import ALPHA
from transferability.common.errors import InputError
from transferability.figures.style import LayerAxis, Look, focus_on_values

COLUMNS = 4
PANELS = 7  # panels of n at most; the last place is for the slopes
KINDS = {  # kinds of splits, by the beginning of their names
    "random": Look("random", "#9c1c1c", "#4a0a0a", "o"),
    "mixed": Look("mixed", "#e7d7a8", "#6b5a1e", "s"),
    "manmade-natural": Look("man-made/natural", "#e8883a", "#8a4a10", "h"),
}
LINE, BAND = "0.25", "0.85"


def draw_figure4(table: pd.DataFrame) -> Figure:
    """Draw a panel for each n (at most PANELS, evenly spaced), and one with the slopes at all n.

    `table` is the table of `distance.losses`. Points are splits, the mean of both directions. With three splits or more
    a line is fitted through them, with a 90 % confidence band. Raises InputError if no split has both losses and a
    distance.
    """
    if table.empty:
        raise InputError(
            "figure4: no networks AnB on random, man-made/natural or mixed splits; give config keys splits.random, "
            "experiments with manmade-natural or mixed"
        )
    numbers = sorted(table["n"].unique())
    shown = [
        numbers[place] for place in np.linspace(0, len(numbers) - 1, min(PANELS, len(numbers))).round().astype(int)
    ]
    columns = min(COLUMNS, len(shown) + 1)
    rows = math.ceil((len(shown) + 1) / columns)
    figure = Figure(figsize=(max(3.4, 1.7 * columns), 1.9 * rows + 0.7), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes, n in zip(panels.flat, shown, strict=False):
        _draw_losses(axes, table, int(n))
        axes.sharey(panels[0, 0])
    _draw_slopes(panels.flat[len(shown)], table)
    for axes in panels.flat[len(shown) + 1 :]:
        axes.set_axis_off()
    figure.supxlabel("semantic distance of the halves (mean of 1 - Wu-Palmer similarity)", fontsize=9)
    figure.supylabel("transfer loss, base - AnB (points)", fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, handletextpad=0.3, columnspacing=1.4)
    return figure


def _draw_losses(axes: Axes, table: pd.DataFrame, n: int) -> None:
    means = by_split(table, [n])
    _draw_line(axes, means["distance"].to_numpy(), 100 * means["loss"].to_numpy())
    axes.axhline(0, color="black", linewidth=0.8, zorder=1)
    for kind, look in KINDS.items():
        rows = means[means.index.str.startswith(kind)]
        if len(rows):
            axes.scatter(
                *(rows["distance"], 100 * rows["loss"]),
                **{"s": 26, "marker": look.marker, "facecolor": look.face, "edgecolor": look.edge, "linewidth": 0.8},
                **{"label": f"{look.label} splits" if kind != "manmade-natural" else look.label, "zorder": 3},
            )
    axes.set_title(f"n = {n}", loc="left")
    axes.margins(x=0.12, y=0.12)


def _draw_line(axes: Axes, distance: np.ndarray, loss: np.ndarray) -> None:
    """Draw the least-squares line, with the confidence band of its mean at level 1 - 2 ALPHA."""
    if len(distance) < 3 or np.ptp(distance) == 0:
        return
    fit = np.polynomial.Polynomial.fit(distance, loss, 1)
    along = np.linspace(distance.min(), distance.max(), 50)
    line = fit(along)
    left = loss - fit(distance)
    spread = np.sqrt((left**2).sum() / (len(loss) - 2))
    error = spread * np.sqrt(1 / len(loss) + (along - distance.mean()) ** 2 / ((distance - distance.mean()) ** 2).sum())
    half = stdtrit(len(loss) - 2, 1 - ALPHA) * error
    axes.fill_between(along, line - half, line + half, color=BAND, linewidth=0, zorder=0)
    axes.plot(along, line, color=LINE, linewidth=1.0, zorder=2)


def _draw_slopes(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the slope at every n with its interval."""
    slopes = distance_table(table)
    slopes = slopes[slopes["n"] != "all"].astype({"n": int})
    shown = 100 * slopes[["slope", "low", "high"]]
    axes.axhline(0, color="black", linewidth=0.8, zorder=1)
    along = LayerAxis((0, *slopes["n"]), inches=2.0)
    axes.errorbar(
        *(slopes["n"], shown["slope"]),
        yerr=np.nan_to_num([shown["slope"] - shown["low"], shown["high"] - shown["slope"]]),
        **{"fmt": "D", "color": LINE, "markersize": 4 * along.scale, "elinewidth": 1.0, "capsize": 2 * along.scale},
    )
    focus_on_values(axes, shown.rename(columns={"slope": "value"}).assign(at=slopes["n"], colour=LINE), [0])
    along.draw(axes)
    axes.set_xlim(left=0)
    axes.set_title(f"growth per {STEP:g}", loc="left")
    axes.set_xlabel("n", labelpad=1)
