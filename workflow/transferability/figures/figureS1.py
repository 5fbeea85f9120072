"""Figure S1 of the paper's supplement: accuracy over the number of training examples per class."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from transferability.common.errors import InputError
from transferability.figures.style import MEASURES


def draw_figure_s1(accuracies: pd.DataFrame, measure: str) -> Figure:
    """Draw accuracy over examples per class, linear and log-log, from the networks on the whole set.

    `measure` is the column that is plotted. The base network is drawn at its mean number of examples per class, if the
    table has it. Raises InputError if there are no networks on reduced sets.
    """
    table = accuracies[(accuracies["split"] == "whole") & accuracies["treatment"].isin(["base", "reduced"])]
    reduced = table[table["treatment"] == "reduced"].sort_values("examples_per_class")
    if reduced.empty:
        raise InputError("figureS1: the study has no reduced sets; list some in config key reduced.examples_per_class")
    whole = table[(table["treatment"] == "base") & table["train_images"].notna()]
    figure = Figure(figsize=(6.8, 3.4), layout="constrained")
    for axes, scale in zip(figure.subplots(1, 2), ("linear", "log"), strict=True):
        axes.set_xscale(scale)
        axes.set_yscale(scale)
        if scale == "log":
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 3)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter(NullFormatter())
        _draw(axes, reduced, whole, measure)
        axes.set_title("linear" if scale == "linear" else "both axes logarithmic", loc="left")
        axes.set_xlabel("training examples per class")
    figure.axes[0].set_ylabel(MEASURES[measure])
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw(axes: Axes, reduced: pd.DataFrame, whole: pd.DataFrame, measure: str) -> None:
    blue, white = {"color": "#1a3a8f", "markersize": 5}, {"color": "black", "markerfacecolor": "white", "markersize": 7}
    axes.plot(reduced["examples_per_class"], reduced[measure], "o-", label="first examples of each class", **blue)
    if len(whole):
        axes.plot(whole["train_images"] / whole["classes"], whole[measure], "o", label="base: all examples", **white)
    chance = 1 / reduced["classes"].iloc[0]
    axes.axhline(chance, color="0.4", linewidth=0.8, linestyle=":", label=f"chance ({chance:g})")
