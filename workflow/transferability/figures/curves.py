"""Training curves of all networks: validation accuracy over iterations, small multiples."""

import re
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.figures.style import TREATMENT_LOOKS
from transferability.study.network import Network

WIDEST = 12  # panels in a row
COLOURS = {"base": "black", "random": "#4f8f4f", "reduced": "0.3"}


def draw_curves(records: Iterable[Mapping], layers: Sequence[str] = ()) -> Figure:
    """Draw the curves of accuracy files' contents: one panel per n, one row per split. Preserved layers and reduced
    sets have their own rows. Rows of more than WIDEST panels continue in the next line.

    A curve is top-1 accuracy on the validation images over iterations, coloured by treatment. Base networks are in the
    panel n = 0. `layers` are the names of the network's layers, if they are to be shown beside n.
    """
    rows: dict[str, dict[str, list[Mapping]]] = {}
    for record in records:
        treatment, n = record["treatment"], record["n"]
        row = {"reduced": "reduced sets", "preserved": f"{record['split']}\npreserved"}.get(treatment, record["split"])
        name = f"\n{layers[n - 1]}" if 0 < n <= len(layers) else ""
        column = f"{record['examples_per_class']} a class" if treatment == "reduced" else f"n = {n}{name}"
        rows.setdefault(row, {}).setdefault(column, []).append(record)
    lines = [(row, line) for row, columns in rows.items() for line in _lines(columns)]
    width = max(len(line) for _, line in lines)
    figure = Figure(figsize=(1.2 + 1.1 * width, 0.9 + 1.15 * len(lines)), layout="constrained")
    grid = figure.subplots(len(lines), width, squeeze=False, sharey=True)
    labels = {}
    for axes_row, (row, line) in zip(grid, lines, strict=True):
        axes_row[0].set_ylabel(row, fontsize=8)
        for axes, (column, members) in zip(axes_row, line, strict=False):
            axes.set_title(column, fontsize=7, pad=2)
            for member in members:
                _draw(axes, member, labels)
        for axes in axes_row[len(line) :]:
            axes.set_axis_off()
    _label(figure, labels)
    return figure


def _lines(columns: Mapping[str, list]) -> list[tuple]:
    """The panels of a row in order, WIDEST per line."""
    panels = sorted(columns.items(), key=_order)
    return [tuple(panels[first : first + WIDEST]) for first in range(0, len(panels), WIDEST)]


def _order(panel: tuple[str, list]) -> int:
    return int(re.search(r"\d+", panel[0])[0])


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
