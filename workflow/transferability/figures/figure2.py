"""Figure 2 of the paper: one marker per network (top); the treatments' means and the areas between them (bottom)."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.common.errors import InputError
from transferability.figures.style import BASE, MEASURES, TREATMENT_LOOKS, LayerAxis, Look, scatter

LOOKS = {
    "BnB": TREATMENT_LOOKS["selffer", False],
    "BnB+": TREATMENT_LOOKS["selffer", True],
    "AnB": TREATMENT_LOOKS["transfer", False],
    "AnB+": TREATMENT_LOOKS["transfer", True],
}
# Section 4.1 of the paper, in short: the meaning of each numbered part of the lower panel.
INTERPRETATIONS = {
    1: "base: trained on the target half alone",
    2: "fragile co-adaptation: base - BnB",
    3: "fine-tuning recovers co-adaptation: BnB$^+$ - BnB",
    4: "specificity of the features: BnB - AnB",
    5: "transfer and fine-tuning generalise better: AnB$^+$ - base",
}
# Parts 2 to 5: the line above, the line below, colour and opacity of the area between them.
AREAS = {
    2: ("base", "BnB", "#1a3a8f", 0.12),
    3: ("BnB+", "BnB", "#8db8ee", 0.25),
    4: ("BnB", "AnB", "#9c1c1c", 0.12),
    5: ("AnB+", "base", "#f2a0a0", 0.25),
}
MEANS = (
    "means over splits and target halves; bars: standard error between splits of the difference "
    "from the base networks of the same split and half (none with one split)"
)
WIDTH = 90  # characters per line of a panel's title


def draw_figure2(accuracies: pd.DataFrame, measure: str, study: str = "", layers: Sequence[str] = ()) -> Figure:
    """Draw both panels from the random splits of a table of accuracies (`accuracies.COLUMNS`).

    `measure` is the column that is plotted: top1 or top1_best10. `study` is a text for the title that describes the
    images, the network and the length of training. `layers` are the names of the network's layers, if they are to be
    shown below n. Bars are those of `treatment_means`. Raises InputError if there are no base networks.
    """
    table = accuracies[accuracies["split"].str.startswith("random-")]
    base = table[table["treatment"] == "base"]
    if base.empty:
        raise InputError(
            "figure2: the table of accuracies has no base network of a random split; check config key splits.random"
        )
    figure = Figure(figsize=(6.8, 9.4), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True)
    along = LayerAxis.of(table, layers)
    relative = relative_accuracies(table, measure)
    looks = LOOKS | {CONTROL: control_look(along.all_layers)}
    scatter(top, base, measure, BASE, along)
    for treatment in _found(looks, relative):
        scatter(top, relative[relative["treatment"] == treatment], "accuracy", looks[treatment], along)
    top.set_title(_networks_in_words(table, study), loc="left", fontsize=9)
    top.legend(loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=3, columnspacing=1.2, handletextpad=0.2)
    handles = _draw_means(bottom, base[measure].mean(), relative, looks, along)
    title = "The paper's interpretations of the numbered parts; differences: means over n"
    figure.legend(
        handles=handles, loc="outside lower center", title=title, handlelength=0, handletextpad=0, fontsize="small"
    )
    for axes in (top, bottom):
        axes.set_ylabel(MEASURES[measure])
    bottom.set_xlabel(
        "number n of layers copied from the base network and frozen or, in networks with $^+$, fine-tuned"
    )
    along.draw(bottom)
    return figure


def treatment_means(relative: pd.DataFrame) -> pd.DataFrame:
    """Return the values of the lower panel from a table of `relative_accuracies`, per treatment and n.

    Columns: mean, the mean accuracy; bar, the standard error between splits of the difference from base, which is
    paired by target half and averaged within each split (NaN with one split); networks, their number.
    """
    means = relative.groupby(["treatment", "n"])["accuracy"].agg(mean="mean", networks="count")
    by_split = relative.groupby(["treatment", "n", "split"])["relative"].mean()
    return means.assign(bar=by_split.groupby(["treatment", "n"]).sem())


def control_look(n: int) -> Look:
    """The look of the control, whose n is the number of all layers."""
    return Look(f"control B{n}B$^+$: all layers copied, trained again", "#8db8ee", "#1a3a8f", "*", size=1.8)


def _found(looks: Mapping[str, Look], relative: pd.DataFrame) -> list[str]:
    return [treatment for treatment in looks if (relative["treatment"] == treatment).any()]


def _networks_in_words(table: pd.DataFrame, study: str) -> str:
    """Text on what was trained, the number of networks, and the meaning of A, B and n."""
    splits, whole, chance = table["split"].nunique(), "the", ""
    if table["classes"].notna().all():
        both = table.groupby(["split", "target"])["classes"].first().groupby("split").sum().max()
        whole, chance = f"{both:.0f}", f"; chance {1 / table['classes'].mean():.3f}"
    networks = f"{len(table)} networks"
    lines = [
        f"{study}; {networks}" if study else networks,
        f"A and B: halves of {whole} classes, {splits} random split{'s' * (splits > 1)}; n: layers copied{chance}",
    ]
    return "\n".join(textwrap.fill(line, WIDTH) for line in lines)


def _draw_means(
    axes: Axes, base: float, relative: pd.DataFrame, looks: Mapping[str, Look], along: LayerAxis
) -> list[Artist]:
    """Draw the means and the areas between them; return the legend's entries."""
    means = treatment_means(relative)
    lines = {}
    for treatment in _found(looks, relative):
        look, own = looks[treatment], means.loc[treatment]
        if treatment != CONTROL:
            lines[treatment] = pd.concat([pd.Series({0: base}), own["mean"]])
            axes.plot(lines[treatment], color=look.face, linestyle=look.line, zorder=2)
        mark = {"fmt": look.marker, "color": look.edge, "markerfacecolor": look.face}
        mark["markersize"] = 5 * look.size * along.scale
        bars = {"elinewidth": 1.5 * along.scale, "capsize": 2 * along.scale}
        axes.errorbar(own.index, own["mean"], own["bar"], **mark, **bars)
    axes.axhline(base, color="black", linewidth=0.8, linestyle=":", zorder=1.5)
    axes.plot([0], [base], "o", color="black", markerfacecolor="white", markersize=6)
    control = relative.loc[relative["treatment"] == CONTROL, "accuracy"].mean()
    if not np.isnan(control):
        axes.axhline(control, color=looks[CONTROL].edge, linewidth=0.8, linestyle=(0, (1, 4)), zorder=1.5)
    said = MEANS if np.isnan(control) else f"{MEANS}; dotted: base and control"
    axes.set_title(textwrap.fill(said, WIDTH), loc="left", fontsize=9)
    lines["base"] = pd.Series(base, index=sorted({0}.union(*(line.index for line in lines.values()))))
    return _draw_areas(
        axes, lines, control, along.last / 7
    )  # the distance from one layer to the next in the paper's figure


def _draw_areas(axes: Axes, lines: Mapping[str, pd.Series], control: float, aside: float) -> list[Artist]:
    """Shade and number the parts between the lines; return the legend's entries.

    The legend states the mean difference over n for each part, and for part 5 also the difference from `control`, the
    accuracy after longer training (NaN if there is none). A part is shaded where its difference has the sign of its
    interpretation, and numbered where it is widest (part 3 on the line above it). Numbers are shifted from their n by a
    fraction of `aside`. Part 3 is left out if part 2 occurs at no n: accuracy that was not lost cannot be recovered.
    """
    axes.set_xlim(left=-0.6 * aside)
    _number(axes, 1, -0.3 * aside, lines["base"][0])
    labels, lost = [INTERPRETATIONS[1]], False
    for number, (above, below, colour, alpha) in AREAS.items():
        if above not in lines or below not in lines:
            labels.append(f"{INTERPRETATIONS[number]} (no such networks)")
            continue
        area = pd.concat([lines[above], lines[below]], axis=1, keys=["upper", "lower"]).dropna()
        difference = area["upper"] - area["lower"]
        note = "" if (difference > 0).any() else " (positive at no n)"
        lost |= number == 2 and not note
        if number == 3 and not note and not lost:
            note = " (nothing was lost)"
        if not note:
            _shade(axes, number, area, aside, {"color": colour, "alpha": alpha})
        if number == 5 and not np.isnan(control):
            note += f"; AnB$^+$ - control {100 * (area['upper'].drop(0) - control).mean():+.1f}"
        labels.append(f"{INTERPRETATIONS[number]}, {100 * difference.drop(0).mean():+.1f} points{note}")
    return [axes.plot([], [], " ", label=f"{number}  {label}")[0] for number, label in enumerate(labels, start=1)]


def _shade(axes: Axes, number: int, area: pd.DataFrame, aside: float, paint: dict) -> None:
    wide = area["upper"] > area["lower"]
    axes.fill_between(area.index, area["lower"], area["upper"], where=wide, linewidth=0, interpolate=True, **paint)
    widest = (area["upper"] - area["lower"]).idxmax()
    if number == 3:
        beside = widest + aside / 2 if widest + aside / 2 <= area.index.max() else widest - aside / 2
        _number(axes, number, beside, np.interp(beside, area.index, area["upper"]))
    else:
        _number(axes, number, widest - 0.3 * aside, area.loc[widest].mean())


def _number(axes: Axes, number: int, n: float, accuracy: float) -> None:
    circle = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "0.4", "linewidth": 0.6}
    axes.annotate(str(number), (n, accuracy), ha="center", va="center", fontsize=8, bbox=circle)
