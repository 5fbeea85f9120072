"""The figure of the advice: accuracy over n of all arms with simultaneous intervals; the advised arm is marked."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.analysis.advice_words import called
from transferability.analysis.arms import COPIES, FROZEN, LONGER, SCRATCH, TUNED, source_of
from transferability.figures.style import TREATMENT_LOOKS, LayerAxis, Look, focus_on_values
from transferability.study.network import ALL_COPIED

LOOKS = {
    ALL_COPIED: ("all copied, first n frozen", Look("An~B", "#2a9d8f", "#14524a", "s")),
    FROZEN: ("first n copied and frozen", TREATMENT_LOOKS["transfer", False]),
    TUNED: ("first n copied and fine-tuned", TREATMENT_LOOKS["transfer", True]),
}
LINES = {SCRATCH: ("from scratch", "--"), LONGER: ("from scratch, trained twice", "-.")}


def draw_advice(table: pd.DataFrame, layers: Mapping[str, Sequence[str]] | None = None) -> Figure:
    """Draw an `advice_table`, one panel per source or given network.

    `layers` are the names of the layers of each split, to show below n. Reference rows are lines, and so is the best
    mean of a source. Bars are the simultaneous intervals; for one block there are none. An arrow marks an interval that
    leaves the axis.
    """
    names = {source_of(split): names for split, names in (layers or {}).items()}
    panels = list(table.groupby(["source", "given"], sort=False))
    figure = Figure(figsize=(6.8, 0.8 + 3.2 * max(1, len(panels))), layout="constrained")
    if not panels:
        figure.text(0.5, 0.5, "no networks with copied layers", ha="center")
        return figure
    for axes, ((source, given), rows) in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        best = 100 * table.loc[table["source"] == source, "accuracy"].max()
        _draw(axes, rows, best, names.get((source, given), ()))
        title = called(source, given)
        axes.set_title(title[0].upper() + title[1:], loc="left")
        axes.set_ylabel("accuracy, %")
    entries = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=3)
    figure.axes[-1].set_xlabel("number n of layers that are frozen, or copied and fine-tuned")
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, best: float, layers: Sequence[str]) -> None:
    copies = rows[rows["treatment"].isin(COPIES)]
    along = LayerAxis(tuple(sorted({0} | set(copies["n"].astype(int)))), layers)
    axes.axhline(best, color="0.4", linewidth=0.8, linestyle=":", label="best mean", zorder=1)
    lines = [best]
    for treatment, (label, style) in LINES.items():
        for _, row in rows[rows["treatment"] == treatment].iterrows():
            look = {"linestyle": style, "linewidth": 2 if row["advised"] else 1, "color": "black", "zorder": 1}
            axes.axhline(100 * row["accuracy"], label=label + ", advised" * bool(row["advised"]), **look)
            lines.append(100 * row["accuracy"])
    drawn = []
    for treatment, (label, look) in LOOKS.items():
        own = copies[copies["treatment"] == treatment].sort_values("n")
        if own.empty:
            continue
        at, middle = own["n"] + look.shift * along.aside, 100 * own["accuracy"]
        low, high = 100 * own["low"].astype(float), 100 * own["high"].astype(float)
        kind = {"marker": look.marker, "color": look.edge, "markerfacecolor": look.face, "markersize": 6 * along.scale}
        axes.plot(at, middle, label=label, linewidth=1.2, **kind)
        axes.vlines(at, low, high, color=look.edge, linewidth=1)
        marked = own["advised"].astype(bool)
        size = {"s": 160 * along.scale**2, "facecolor": "none", "edgecolor": "black", "linewidth": 1.4, "zorder": 5}
        axes.scatter(at[marked], middle[marked], label="advised" if marked.any() else None, **size)
        drawn.append(pd.DataFrame({"at": at, "value": middle, "low": low, "high": high, "colour": look.edge}))
    bars = pd.concat(drawn) if drawn else pd.DataFrame({name: np.array([]) for name in ("at", "value", "low", "high")})
    focus_on_values(axes, bars, lines)
    along.draw(axes)
