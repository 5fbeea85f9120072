"""Figure 3 of the paper: transfer between man-made and natural classes, and random filters, beside random splits."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.analysis.relative import relative_accuracies
from transferability.common.errors import InputError
from transferability.figures.style import BASE, MEASURES, TREATMENT_LOOKS, LayerAxis, Look, scatter

TRANSFER = Look("transfer AnB, BnA", "#e8883a", "#8a4a10", "h")
UNTRAINED = Look("random filters", "#4f8f4f", "#234a23", "s")
SIMILAR = TREATMENT_LOOKS["transfer", False]
NARROW = {"columnspacing": 0.9, "handletextpad": 0.1, "fontsize": 8}  # a legend below a small panel
SIDES = {"A": "man-made", "B": "natural"}


def draw_figure3(accuracies: pd.DataFrame, measure: str, layers: Sequence[str] = ()) -> Figure:
    """Draw the panels from a table of accuracies (`accuracies.COLUMNS`); leave out panels without networks.

    Upper left: one line per target half of the man-made/natural split. Upper right: the whole set with the first n
    layers random. Below: means relative to the base networks of the same split and target. `measure` is the column
    that is plotted. `layers` are the names of the network's layers, if they are to be shown below n. Raises InputError
    if all networks are missing.
    """
    frozen = accuracies[~accuracies["fine_tuned"].astype(bool)]
    means = relative_means(frozen, measure)
    if means.empty:
        raise InputError(
            "figure3: the table of accuracies has neither networks AnB nor random filters, with their base networks; "
            "give config key treatments with AnB, and experiments with random-splits, manmade-natural or random-filters"
        )
    upper = [name for name, kind in {"sides": "dissimilar", "random": "random"}.items() if kind in means]
    figure = Figure(figsize=(6.8, 6.4 if upper else 3.6), layout="constrained")
    rows, heights = ([upper, ["relative"] * len(upper)], [1, 1.15]) if upper else ([["relative"]], [1])
    panels = figure.subplot_mosaic(rows, height_ratios=heights)
    small, wide = LayerAxis.of(frozen, inches=2.7 if len(upper) == 2 else 5.9), LayerAxis.of(frozen, layers)
    if "sides" in panels:
        _draw_sides(panels["sides"], frozen[frozen["split"] == "manmade-natural"], measure, small)
    if "random" in panels:
        _draw_random(panels["random"], frozen[frozen["split"] == "whole"], measure, small)
    _draw_relative(panels["relative"], means, wide)
    for name, axes in panels.items():
        axes.set_xlabel("number n of frozen layers")
        (wide if name == "relative" else small).draw(axes)
        if name == "relative":
            axes.set_ylabel("change of top-1 accuracy from base")
        elif name == upper[0]:
            axes.set_ylabel(MEASURES[measure])
    return figure


def relative_means(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean accuracy relative to base per n: columns similar (AnB, random splits), dissimilar (AnB, man-made/natural)
    and random (filters); index n. Columns without networks are left out."""
    relative = relative_accuracies(accuracies, measure)
    transfer = relative["treatment"] == "AnB"
    kinds = {
        "similar": transfer & relative["split"].str.startswith("random-"),
        "dissimilar": transfer & (relative["split"] == "manmade-natural"),
        "random": relative["treatment"] == "random",
    }
    return pd.DataFrame(
        {kind: relative[rows].groupby("n")["relative"].mean() for kind, rows in kinds.items() if rows.any()}
    )


def _draw_sides(axes: Axes, table: pd.DataFrame, measure: str, along: LayerAxis) -> None:
    for target, rows in table.groupby("target"):
        line = rows[rows["treatment"].isin(["base", "transfer"])].sort_values("n")
        axes.plot(line["n"], line[measure], color=TRANSFER.edge, linewidth=0.8, zorder=1)
        middle = line.iloc[len(line) // 2]
        upper = line[measure].mean() >= table[measure].mean()
        free = {"xytext": (6, 5)} if upper else {"xytext": (-4, -4), "ha": "right", "va": "top"}  # as lines fall
        axes.annotate(SIDES[target], (middle["n"], middle[measure]), textcoords="offset points", fontsize=8, **free)
        scatter(axes, line.loc[line["n"] == 0], measure, BASE, along)
        scatter(axes, line.loc[line["n"] > 0], measure, TRANSFER, along)
    axes.set_title("Man-made/natural, by target", loc="left")
    _legend(axes)


def _draw_random(axes: Axes, table: pd.DataFrame, measure: str, along: LayerAxis) -> None:
    line = table[table["treatment"].isin(["base", "random"])].sort_values("n")
    axes.plot(line["n"], line[measure], color=UNTRAINED.edge, linewidth=0.8, zorder=1)
    scatter(axes, line[line["n"] == 0], measure, BASE, along)
    scatter(axes, line[line["n"] > 0], measure, UNTRAINED, along)
    if line["classes"].notna().any():
        axes.axhline(1 / line["classes"].iloc[0], color="0.4", linewidth=0.8, linestyle=":", label="chance")
    axes.set_title("First n layers random", loc="left")
    axes.set_ylim(bottom=min(0, *axes.get_ylim()))
    _legend(axes)


def _draw_relative(axes: Axes, means: pd.DataFrame, along: LayerAxis) -> None:
    looks = {
        "similar": (SIMILAR, "mean AnB, random splits", "-"),
        "dissimilar": (TRANSFER, "mean AnB, man-made/natural", "--"),
        "random": (UNTRAINED, "random filters, whole set", ":"),
    }
    axes.axhline(0, color="black", linewidth=0.8)
    for kind in means:
        look, label, style = looks[kind]
        line = pd.concat([pd.Series({0: 0.0}), means[kind].dropna()])
        mark = {"marker": look.marker, "markerfacecolor": look.face, "markeredgecolor": look.edge}
        mark["markersize"] = 6 * along.scale
        axes.plot(line, linestyle=style, color=look.edge, linewidth=1.2, label=label, markevery=slice(1, None), **mark)
    axes.set_title("Relative to base networks of the same split and target", loc="left")
    axes.legend(loc="lower left")


def _legend(axes: Axes) -> None:
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # each label once
    if handles:
        axes.legend(handles.values(), handles.keys(), loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, **NARROW)
