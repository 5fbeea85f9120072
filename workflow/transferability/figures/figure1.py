"""Figure 1 of the paper: the treatments as drawings, with n = 3 as the example."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Ellipse, FancyBboxPatch, Rectangle

LAYERS = 8
COPIED = 3
COLOURS = {"A": "#9cc29c", "B": "#8fb0dc"}  # by the half that a layer was first trained on
EDGES = {"A": "#2f5f2f", "B": "#1a3a6f"}
STEP, WIDTH, HEIGHT = 1.0, 0.56, 0.62  # step between layers; width and height of a layer's rectangle
ROW = 1.85  # distance from one network to the next
BASE = "base: all layers trained on {}"


@dataclass(frozen=True)
class Row:
    """A network of the drawing: the half that it is trained on, a description, and its name as a base network or, if
    its first layers are copied, the half that they come from and its names with frozen and with fine-tuned layers.
    """

    target: str
    meaning: str
    base: str = ""
    source: str = ""
    frozen: str = ""
    tuned: str = ""

    @property
    def title(self) -> str:
        """All names."""
        return "\n".join(filter(None, [self.base, self.frozen, self.tuned]))


def draw_figure1(treatments: Collection[str], given: bool) -> Figure:
    """Draw the networks of a study with these treatments; A is a half of the classes or, if `given`, a given network.

    Rectangles are the weights of layers; ellipses are the activations between them.
    """
    rows = _rows(treatments, given)
    height = ROW * len(rows) + 1.5
    figure = Figure(figsize=(6.8, 5.2 * height / (4 * ROW + 1.5)), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    for place, row in enumerate(rows):
        _draw_network(axes, -ROW * place, row)
    _draw_key(axes, -ROW * len(rows) + 0.35, rows)
    axes.set_xlim(-2.35, LAYERS * STEP + 0.15)
    axes.set_ylim(1.0 - height, 1.0)
    return figure


def _rows(treatments: Collection[str], given: bool) -> list[Row]:
    first = Row("A", "given: all layers trained on A, by others", "A") if given else Row("A", BASE.format("A"), "baseA")
    rows = [first, Row("B", BASE.format("B"), "baseB")]
    for kind, source, of in (("selffer", "B", "baseB"), ("transfer", "A", first.base)):
        names = [
            f"{source}{COPIED}B{mark}" if f"{source}nB{plus}" in treatments else ""
            for plus, mark in (("", ""), ("+", "$^+$"))
        ]
        if any(names):
            meaning = f"{kind}: first {COPIED} layers from {of}, the others new, trained on B"
            rows.append(Row("B", meaning, "", source, *names))
    return rows


def _draw_network(axes: Axes, y: float, row: Row) -> None:
    title, source, target, meaning = row.title, row.source, row.target, row.meaning
    axes.text(-1.75, y, title, ha="center", va="center", fontsize=11, fontweight="bold", linespacing=1.4)
    axes.text(-0.35, y + 0.72, meaning, ha="left", va="bottom", fontsize=8)
    axes.text(-0.72, y, f"input\n{target}", ha="center", va="center", fontsize=8)
    axes.text(LAYERS * STEP - 0.28, y, f"labels\n{target}", ha="center", va="center", fontsize=8)
    axes.plot([-0.4, LAYERS * STEP - 0.62], [y, y], color="0.6", linewidth=0.8, zorder=0)
    for layer in range(1, LAYERS + 1):
        x = (layer - 1) * STEP
        copied = bool(source) and layer <= COPIED
        data = source if copied else target
        _rectangle(axes, x, y, f"$W_{{{data}{layer}}}$", COLOURS[data], EDGES[data])
        if layer < LAYERS:
            axes.add_patch(Ellipse((x + STEP / 2, y), 0.13, 0.66, facecolor="0.85", edgecolor="0.4"))
        if copied and row.frozen:
            _lock(axes, x, y - HEIGHT / 2 - 0.22, closed=True)
        if copied and row.tuned:
            _lock(axes, x + 0.3, y - HEIGHT / 2 - 0.22, closed=False)


def _rectangle(axes: Axes, x: float, y: float, text: str, face: str, edge: str) -> None:
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle=style, facecolor=face, edgecolor=edge, zorder=2))
    axes.text(x, y, text, ha="center", va="center", fontsize=9, zorder=3)


def _lock(axes: Axes, x: float, y: float, closed: bool) -> None:
    """Draw a padlock: closed for layers that are frozen, open for layers that learn (the networks with +)."""
    left = x - 0.17
    face = "0.25" if closed else "white"
    axes.add_patch(Rectangle((left, y - 0.1), 0.16, 0.13, facecolor=face, edgecolor="0.25", linewidth=0.8, zorder=3))
    shift = 0 if closed else 0.09
    axes.add_patch(Arc((left + 0.08 + shift, y + 0.03), 0.1, 0.17, theta1=0, theta2=180, color="0.25", linewidth=1.1))


def _draw_key(axes: Axes, y: float, rows: Sequence[Row]) -> None:
    entries = [("A", "first trained on A", 0.0), ("B", "first trained on B", 2.9)]
    for half, text, x in entries:
        axes.add_patch(Rectangle((x - 0.3, y - 0.13), 0.3, 0.26, facecolor=COLOURS[half], edgecolor=EDGES[half]))
        axes.text(x + 0.1, y, text, va="center", fontsize=8)
    axes.add_patch(Ellipse((5.7, y), 0.13, 0.4, facecolor="0.85", edgecolor="0.4"))
    axes.text(5.9, y, "activations", va="center", fontsize=8)
    if frozen := ", ".join(row.frozen for row in rows if row.frozen):
        _lock(axes, -0.05, y - 0.52, closed=True)
        axes.text(0.1, y - 0.5, f"frozen ({frozen})", va="center", fontsize=8)
    if tuned := ", ".join(row.tuned for row in rows if row.tuned):
        _lock(axes, 2.85, y - 0.52, closed=False)
        axes.text(3.0, y - 0.5, f"fine-tuned ({tuned})", va="center", fontsize=8)
