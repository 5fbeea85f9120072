"""Figure 2 of the paper: top, one marker per network; bottom, the treatments' means and what lies between them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.common.errors import InputError
from transferability.figures.style import BASE, MEASURES, TREATMENT_LOOKS, LayerAxis, scatter

# Section 4.1 of the paper, in short: what each numbered part of the lower panel shows.
INTERPRETATIONS = {
    1: "base: trained on the target half alone",
    2: "fragile co-adaptation: base - BnB",
    3: "fine-tuning recovers co-adaptation: BnB$^+$ - BnB",
    4: "specificity of the features: BnB - AnB",
    5: "transfer and fine-tuning generalise better: AnB$^+$ - base",
}


def draw_figure2(accuracies: pd.DataFrame, measure: str, layers: Sequence[str] = ()) -> Figure:
    """Draw both panels from the random splits of a table of accuracies (`accuracies.COLUMNS`).

    `measure` is the column that is plotted: top1 or top1_best10. `layers` are the names of the network's layers, where
    they shall stand below n. Bars are standard errors of the mean over networks (splits and target halves), where there
    are at least two. Raises InputError without base networks.
    """
    table = accuracies[accuracies["split"].str.startswith("random-")]
    if not (table["treatment"] == "base").any():
        raise InputError(
            "figure2: the table of accuracies has no base network of a random split; check config key splits.random"
        )
    figure = Figure(figsize=(6.8, 9.4), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True)
    along = LayerAxis.of(table, layers)
    _draw_networks(top, table, measure, along)
    handles = _draw_means(bottom, table, measure, along)
    figure.legend(handles=handles, loc="outside lower center", handlelength=0, handletextpad=0)
    for axes in (top, bottom):
        axes.set_ylabel(MEASURES[measure])
    bottom.set_xlabel(
        "number n of layers copied from the base network and frozen or, in networks with $^+$, fine-tuned"
    )
    along.draw(bottom)
    return figure


def mean_accuracies(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean, standard error (NaN for one network) and number of networks per treatment, fine_tuned and n."""
    return table.groupby(["treatment", "fine_tuned", "n"])[measure].agg(["mean", "sem", "count"])


def _draw_networks(axes: Axes, table: pd.DataFrame, measure: str, along: LayerAxis) -> None:
    base = table[table["treatment"] == "base"]
    scatter(axes, base, measure, BASE, along)
    for (treatment, fine_tuned), look in TREATMENT_LOOKS.items():
        rows = table[(table["treatment"] == treatment) & (table["fine_tuned"] == fine_tuned)]
        if len(rows):
            scatter(axes, rows, measure, look, along)
    title = f"{len(table)} networks on {table['split'].nunique()} random splits, both directions"
    if table["classes"].notna().all():
        title += f"; chance {1 / table['classes'].mean():.3f}"
    axes.set_title(title, loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=5, columnspacing=1.2, handletextpad=0.2)


def _draw_means(axes: Axes, table: pd.DataFrame, measure: str, along: LayerAxis) -> list[Artist]:
    """Draw the means and what lies between them; return what the legend says."""
    means = mean_accuracies(table, measure)
    base, base_error = means.loc[("base", False, 0), ["mean", "sem"]]
    lines = {}
    for key, look in TREATMENT_LOOKS.items():
        if key in means.index.droplevel("n"):
            line = means.loc[key]
            lines[key] = pd.concat([pd.Series({0: base}), line["mean"]])
            axes.plot(lines[key], color=look.face, zorder=2)
            axes.errorbar(
                line.index,
                line["mean"],
                line["sem"],
                fmt=look.marker,
                color=look.edge,
                markerfacecolor=look.face,
                markersize=5 * along.scale,
                elinewidth=1.5 * along.scale,
                capsize=2 * along.scale,
            )
    axes.axhline(base, color="black", linewidth=0.8, linestyle="--", zorder=1.5)
    axes.errorbar([0], [base], [base_error], fmt="o", color="black", markerfacecolor="white", markersize=6, capsize=2)
    axes.set_title("means over splits and target halves; bars: standard error of the mean", loc="left")
    aside = along.last / 7  # as far as from one layer to the next in the paper's figure
    seen = {1} | _shade(axes, base, lines, aside)
    _number(axes, 1, -0.3 * aside, base)
    handles = []
    for number, meaning in INTERPRETATIONS.items():
        label = f"{number}  {meaning}" if number in seen else f"{number}  {meaning} (none)"
        handles += axes.plot([], [], " ", label=label)
    return handles


def _shade(axes: Axes, base: float, lines: dict[tuple[str, bool], pd.Series], aside: float) -> set[int]:
    """Shade the areas 2 to 5, number each where it is widest (3 on the line above it), and return those that there are.

    An area is there only where the difference has the sign that its interpretation speaks of. Numbers stand beside
    their n, by a part of `aside`.
    """
    seen = set()
    level = pd.Series(base, index=sorted(set().union(*(line.index for line in lines.values()))))
    bounds = {
        2: (level, lines.get(("selffer", False)), "#1a3a8f", 0.12),
        3: (lines.get(("selffer", True)), lines.get(("selffer", False)), "#8db8ee", 0.25),
        4: (lines.get(("selffer", False)), lines.get(("transfer", False)), "#9c1c1c", 0.12),
        5: (lines.get(("transfer", True)), level, "#f2a0a0", 0.25),
    }
    for number, (upper, lower, colour, alpha) in bounds.items():
        if upper is None or lower is None:
            continue
        area = pd.concat([upper, lower], axis=1, keys=["upper", "lower"]).dropna()
        wide = area["upper"] > area["lower"]
        paint = {"color": colour, "alpha": alpha, "linewidth": 0, "interpolate": True}
        axes.fill_between(area.index, area["lower"], area["upper"], where=wide, **paint)
        if not wide.any() or (number == 3 and 2 not in seen):  # what was not lost cannot be recovered
            continue
        widest = (area["upper"] - area["lower"]).idxmax()
        if number == 3:
            beside = widest + aside / 2 if widest + aside / 2 <= area.index.max() else widest - aside / 2
            _number(axes, number, beside, np.interp(beside, area.index, area["upper"]))
        else:
            _number(axes, number, widest - 0.3 * aside, area.loc[widest].mean())
        seen.add(number)
    return seen


def _number(axes: Axes, number: int, n: float, accuracy: float) -> None:
    circle = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "0.4", "linewidth": 0.6}
    axes.annotate(str(number), (n, accuracy), ha="center", va="center", fontsize=8, bbox=circle)
