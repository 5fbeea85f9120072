"""Training curves of all networks: validation accuracy over iterations, small multiples."""

import re
from collections.abc import Iterable, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.figures.style import TREATMENT_LOOKS
from transferability.study.network import Network

COLOURS = {"base": "black", "random": "#4f8f4f", "reduced": "0.3"}


def draw_curves(records: Iterable[Mapping]) -> Figure:
    """Draw the curves of accuracy files' contents: one panel per n, one row per split; preserved layers and reduced
    sets have their own.

    A curve is top-1 accuracy on the validation images over iterations, coloured by treatment. Base networks stand in
    the panel n = 0.
    """
    panels: dict[str, dict[str, list[Mapping]]] = {}
    for record in records:
        treatment = record["treatment"]
        row = {"reduced": "reduced sets", "preserved": f"{record['split']}\npreserved"}.get(treatment, record["split"])
        column = f"{record['examples_per_class']} a class" if treatment == "reduced" else f"n = {record['n']}"
        panels.setdefault(row, {}).setdefault(column, []).append(record)
    width = max(len(columns) for columns in panels.values())
    figure = Figure(figsize=(1.2 + 1.1 * width, 0.9 + 1.15 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), width, squeeze=False, sharey=True)
    labels = {}
    for axes_row, (row, columns) in zip(grid, panels.items(), strict=True):
        axes_row[0].set_ylabel(row, fontsize=8)
        for axes, (column, members) in zip(axes_row, sorted(columns.items(), key=_order), strict=False):
            axes.set_title(column, fontsize=7, pad=2)
            for member in members:
                _draw(axes, member, labels)
        for axes in axes_row[len(columns) :]:
            axes.set_axis_off()
    _label(figure, labels)
    return figure


def _order(panel: tuple[str, list]) -> int:
    return int("".join(filter(str.isdigit, panel[0])))


def _draw(axes: Axes, record: Mapping, labels: dict) -> None:
    network = Network.parse(record["split"], record["network"])
    inner = "selffer" if network.source == network.target else "transfer"
    colour = COLOURS.get(network.treatment) or TREATMENT_LOOKS[inner, network.fine_tuned].face
    style = ":" if network.treatment == "random" else "--" if inner == "transfer" else "-"
    iterations, accuracies = zip(*((test["iteration"], test["top1"]) for test in record["curve"]), strict=True)
    axes.plot(iterations, accuracies, linewidth=0.8, color=colour, linestyle=style)
    labels[re.sub(r"~\d+", "", network.notation)] = axes.lines[-1]
    axes.tick_params(labelsize=6, pad=1, length=2)
    axes.locator_params(axis="x", nbins=3)


def _label(figure: Figure, labels: dict) -> None:
    figure.supxlabel("iterations", fontsize=8)
    figure.supylabel("top-1 accuracy on the validation images", fontsize=8)
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=9, fontsize=8)
