"""The figure of the advice: accuracy over the number of copied layers, frozen or fine-tuned, and from scratch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.analysis.advice import FROZEN, TUNED
from transferability.analysis.advice_pages import called
from transferability.figures.style import TREATMENT_LOOKS, LayerAxis, Look, focus_on_values
from transferability.study.network import ALL_COPIED

LOOKS = {
    FROZEN: ("frozen", TREATMENT_LOOKS["transfer", False]),
    TUNED: ("fine-tuned", TREATMENT_LOOKS["transfer", True]),
    ALL_COPIED: ("all copied, first n frozen", Look("An~B", "#2a9d8f", "#14524a", "s")),
}


def draw_advice(table: pd.DataFrame, layers: Sequence[str] = ()) -> Figure:
    """Draw an `advice_table`, one panel per source of features; `layers` are the names of the network's layers.

    Training from scratch is a dashed line, at the mean over the base networks that copies are compared with. Bars are
    the intervals of the differences from it; with one split alone there are none. An arrow marks an interval that
    leaves the axis.
    """
    names = list(table["source"].drop_duplicates())
    figure = Figure(figsize=(6.8, 0.6 + 3.2 * max(1, len(names))), layout="constrained")
    if not names:
        figure.text(0.5, 0.5, "no networks with copied layers", ha="center")
        return figure
    panels = figure.subplots(len(names), squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        _draw(axes, table[table["source"] == name], layers)
        axes.set_title(f"Layers copied: {called(name)}" if len(names) > 1 else called(name).capitalize(), loc="left")
    entries = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=4)
    drawn = set(table["treatment"]) & set(LOOKS)
    both = "copied (or, where all are copied, frozen)"
    kind = "copied" if ALL_COPIED not in drawn else "frozen" if drawn == {ALL_COPIED} else both
    panels[-1].set_xlabel(f"number n of {kind} layers")
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, layers: Sequence[str]) -> None:
    along = LayerAxis(tuple(sorted({0} | set(rows["n"].astype(int)))), layers)
    shown = rows[rows["treatment"].isin(LOOKS)]
    scratch, drawn = 100 * shown["scratch"].mean(), []
    axes.axhline(scratch, color="black", linewidth=1, linestyle="--", label="from scratch", zorder=1)
    for treatment, (label, look) in LOOKS.items():
        own = shown[shown["treatment"] == treatment].sort_values("n")
        if own.empty:
            continue
        middle = scratch + 100 * own["difference"]
        bars = 100 * np.abs(np.stack([own["difference"] - own["low"], own["high"] - own["difference"]]))
        kind = {"marker": look.marker, "color": look.edge, "markerfacecolor": look.face, "markersize": 6 * along.scale}
        at = own["n"] + look.shift * along.aside
        axes.errorbar(at, middle, bars, label=label, linewidth=1.2, elinewidth=1, capsize=2, **kind)
        ends = {"low": scratch + 100 * own["low"], "high": scratch + 100 * own["high"]}
        drawn.append(pd.DataFrame({"at": at, "value": middle, **ends, "colour": look.edge}))
    focus_on_values(axes, pd.concat(drawn), [scratch])
    axes.set_ylabel("top-1 accuracy, %")
    along.draw(axes)
