"""Figure 2 as an interactive chart: pointing at a mark shows its network; boxes switch treatments on and off."""

from collections.abc import Mapping
from pathlib import Path

import altair
import pandas as pd

from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.common.atomic_files import write_text
from transferability.figures.figure2 import LOOKS, control_look
from transferability.figures.style import BASE, MEASURES, Look

STAR = "M0,-1L.22,-.31L.95,-.31L.36,.12L.59,.81L0,.38L-.59,.81L-.36,.12L-.95,-.31L-.22,-.31Z"
SHAPES = {"o": "circle", "D": "diamond", "*": STAR}  # matplotlib's markers for Vega
TITLE = ["One mark per network: point at it to see which.", "Lines: means over splits and halves."]
BOXES = """
    #vis.vega-embed { flex-direction: column; }
    .vega-bindings { display: flex; flex-wrap: wrap; gap: 0.3em 1.5em; font: 13px sans-serif; }"""
LEGEND = altair.Legend(title=None, orient="top", columns=3)
DASHES = {"-": [1, 0], "--": [6, 3]}


def interactive_figure2(accuracies: pd.DataFrame, measure: str) -> altair.LayerChart:
    """Return Figure 2 as a chart for browsers: a mark per network, a line through the means of each treatment.

    `accuracies` is a table of accuracies (`accuracies.COLUMNS`); its random splits are shown. `measure` is the column
    that is plotted: top1 or top1_best10. A box for each treatment shows or hides its networks and its line.
    """
    networks = _networks(accuracies[accuracies["split"].str.startswith("random-")], measure)
    looks = {"base": BASE} | LOOKS | {CONTROL: control_look(_all_layers(networks))}
    looks = {name: look for name, look in looks.items() if (networks["treatment"] == name).any()}
    networks["beside"] = networks["n"] + networks["treatment"].map({name: look.shift for name, look in looks.items()})
    networks["treatment"] = networks["treatment"].map({name: _in_words(look) for name, look in looks.items()})
    looks = {_in_words(look): look for look in looks.values()}
    boxes = _boxes(looks)
    shown = " || ".join(f"(datum.treatment == '{words}' && {box.name})" for words, box in boxes.items())
    layers = (_lines(networks, looks), _marks(networks, looks, measure))
    return (
        altair.layer(*[layer.transform_filter(shown) for layer in layers])
        .add_params(*boxes.values())
        .resolve_legend(fill="independent", stroke="independent", shape="independent")
        .properties(width="container", height=400, title=altair.Title(TITLE, anchor="start", fontWeight="normal"))
    )


def save_chart(chart: altair.TopLevelMixin, path: Path) -> None:
    """Write a chart as an HTML page that loads no other files."""
    page = chart.to_html(inline=True, embed_options={"actions": False})
    write_text(path, page.replace("<style>", f"<style>{BOXES}", 1))


def _networks(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One row per network in Figure 2: split, network, treatment, n, accuracy, and points above base."""
    relative = relative_accuracies(table, measure)
    base = table[table["treatment"] == "base"].rename(columns={measure: "accuracy"}).assign(relative=0.0)
    networks = pd.concat([base, relative]).assign(points=lambda both: 100 * both["relative"])
    shown = networks["treatment"].isin(["base", *LOOKS, CONTROL])
    return networks.loc[shown, ["split", "network", "treatment", "n", "accuracy", "points"]]


def _all_layers(networks: pd.DataFrame) -> int:
    """The n of the control, which is the number of all layers; 0 without one."""
    controls = networks.loc[networks["treatment"] == CONTROL, "n"]
    return 0 if controls.empty else int(controls.max())


def _in_words(look: Look) -> str:
    """A look's label, without matplotlib's signs for superscripts and without text after a colon."""
    return look.label.partition(":")[0].replace("$^+$", "+")


def _boxes(looks: Mapping[str, Look]) -> dict[str, altair.Parameter]:
    """A checkbox for each treatment, in a row below the chart."""
    return {
        words: altair.param(name=f"shown{number}", value=True, bind=altair.binding_checkbox(name=f"{words} "))
        for number, words in enumerate(looks)
    }


def _scale(looks: Mapping[str, Look], values: list) -> altair.Scale:
    """A scale with a colour, a shape or a dash for each treatment, in the order of `looks`."""
    return altair.Scale(domain=list(looks), range=values)


def _lines(networks: pd.DataFrame, looks: Mapping[str, Look]) -> altair.Chart:
    """A line through the means over splits and halves, for every treatment with more than one n."""
    means = networks.groupby(["treatment", "n"], as_index=False)["accuracy"].mean()
    faces, dashes = [look.face for look in looks.values()], [DASHES[look.line] for look in looks.values()]
    return (
        altair.Chart(means)
        .mark_line(strokeWidth=1.5)
        .encode(
            altair.X("n:Q"),
            altair.Y("accuracy:Q"),
            altair.Color("treatment:N", scale=_scale(looks, faces), legend=None),
            altair.StrokeDash("treatment:N", scale=_scale(looks, dashes), legend=None),
        )
    )


def _marks(networks: pd.DataFrame, looks: Mapping[str, Look], measure: str) -> altair.Chart:
    """A mark for each network, with a tooltip that describes it."""
    ticks = sorted(networks["n"].unique().tolist())
    reach = altair.Scale(domain=[-0.5, ticks[-1] + 0.5], nice=False)
    return (
        altair.Chart(networks)
        .mark_point(filled=True, size=60, opacity=1, strokeWidth=1)
        .encode(
            altair.X(
                "beside:Q", title="number n of copied layers", axis=altair.Axis(values=ticks, format="d"), scale=reach
            ),
            altair.Y("accuracy:Q", title=MEASURES[measure], scale=altair.Scale(zero=False)),
            altair.Fill("treatment:N", scale=_scale(looks, [look.face for look in looks.values()]), legend=LEGEND),
            altair.Stroke("treatment:N", scale=_scale(looks, [look.edge for look in looks.values()]), legend=LEGEND),
            altair.Shape(
                "treatment:N", scale=_scale(looks, [SHAPES[look.marker] for look in looks.values()]), legend=LEGEND
            ),
            tooltip=[
                altair.Tooltip("network:N"),
                altair.Tooltip("split:N"),
                altair.Tooltip("accuracy:Q", format=".1%"),
                altair.Tooltip("points:Q", title="points from base", format="+.1f"),
            ],
        )
    )
