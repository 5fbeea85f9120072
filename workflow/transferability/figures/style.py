"""Code shared by the figures: the looks of treatments, the axis of n, and saving."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.common.atomic_files import atomic_write

matplotlib.rcParams |= {
    "font.family": "DejaVu Sans",  # part of matplotlib: the same bytes on every machine
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "transferability",
}


@dataclass(frozen=True)
class Look:
    """How a treatment is drawn: label in the paper's notation, colours, marker, shift, line and size.

    `shift` is the distance to the side of n (in gaps); `line` is a line style; `size` is relative to a circle's.
    """

    label: str
    face: str
    edge: str
    marker: str
    shift: float = 0.0
    line: str = "-"
    size: float = 1.0


BASE = Look("base", "white", "black", "o")
TREATMENT_LOOKS = {
    ("selffer", False): Look("selffer BnB", "#1a3a8f", "#0c1c47", "o", -0.18),
    ("selffer", True): Look("selffer BnB$^+$", "#8db8ee", "#1a3a8f", "o", -0.06, "--"),
    ("transfer", False): Look("transfer AnB", "#9c1c1c", "#4a0a0a", "D", 0.06),
    ("transfer", True): Look("transfer AnB$^+$", "#f2a0a0", "#9c1c1c", "D", 0.18, "--"),
}

MEASURES = {"top1": "top-1 accuracy (last test)", "top1_best10": "top-1 accuracy (mean of ten best tests)"}


AREA = 30  # area of a marker, in square points, if there is room
NUMBER, LETTER, LINE = 0.22, 0.075, 0.16  # inches for a number, a letter of 7 points and a line on an axis of n
BEYOND = "interval leaves the axis"
ROOM = 5.0  # an axis shows at least this many points above and below its values, if intervals extend there
ALL_LAYERS = 0.45  # inches from the label "8 (all)" to the label before it


@dataclass(frozen=True)
class LayerAxis:
    """The axis of n, the number of layers: it shows the `numbers` of a study, including 0, on a width of `inches`.

    `layers` are the names of layers 1, 2, ..., if they are to be shown beside n. With many n, markers get smaller, and
    only as many n are labelled as fit. `all_layers` is the n of the control, or 0 without one: it is always labelled,
    "8 (all)".
    """

    numbers: tuple[int, ...]
    layers: Sequence[str] = ()
    inches: float = 5.9
    all_layers: int = 0

    @classmethod
    def of(cls, networks: pd.DataFrame, layers: Sequence[str] = (), inches: float = 5.9) -> "LayerAxis":
        """Return the axis for the networks of a table of accuracies."""
        numbers = tuple(sorted({0} | set(networks["n"].astype(int))))
        controls = networks.loc[networks["control"].astype(bool), "n"]
        return cls(numbers, layers, inches, 0 if controls.empty else int(controls.max()))

    @property
    def last(self) -> int:
        """The largest n; at least 1."""
        return max(1, *self.numbers)

    @property
    def gap(self) -> int:
        """The smallest distance between two n."""
        return min((right - left for left, right in zip(self.numbers, self.numbers[1:], strict=False)), default=1)

    @property
    def aside(self) -> float:
        """The distance from its n of a marker whose look has a shift of 1: that to the next n, but at most as in the
        paper's figure, which has seven n.
        """
        return min(self.gap, self.last / 7)

    @property
    def scale(self) -> float:
        """The size of markers: 1 if there is room, else so small that neighbouring markers hardly touch."""
        return min(1.0, max(0.4, 2.5 * self.gap * self._inch))

    @property
    def _inch(self) -> float:
        """Inches from one layer to the next."""
        return self.inches / (1.1 * self.last)

    def draw(self, axes: Axes) -> None:
        """Set the ticks: one at every n. As many as fit have a label, n with the layer's name below it, or rotated."""
        names = {n: self.layers[n - 1] if 0 < n <= len(self.layers) else "" for n in self.numbers}
        names[self.all_layers] = ""
        beside = max(NUMBER, LETTER * max(map(len, names.values())))
        upright = any(names.values()) and beside > self.gap * self._inch
        shown = self._spread(LINE if upright else beside, LINE if upright else ALL_LAYERS)
        labels = [self._label(n, names[n], upright) for n in shown]
        small = 7 if any(names.values()) else None
        axes.set_xticks(shown, labels, rotation=90 if upright else 0, fontsize=small)
        axes.set_xticks(self.numbers, minor=True)

    def _label(self, n: int, name: str, upright: bool) -> str:
        number = f"{n} (all)" if self.all_layers and n == self.all_layers else str(n)
        return f"{name}  {number}".strip() if upright else f"{number}\n{name}".strip()

    def _spread(self, inches: float, to_all: float) -> list[int]:
        """The n that can be labelled: from the left, each at least `inches` from the one before.

        The n of all layers is always labelled; other n less than `to_all` inches before it are not.
        """
        step = int(-(-inches // (self.gap * self._inch))) * self.gap  # even steps if n are evenly spaced
        chosen = [self.numbers[0]]
        for n in self.numbers[1:]:
            if n - chosen[-1] >= step:
                chosen.append(n)
        if not self.all_layers:
            return chosen
        return [n for n in chosen if (self.all_layers - n) * self._inch >= to_all] + [self.all_layers]


def scatter(axes: Axes, networks: pd.DataFrame, measure: str, look: Look, along: LayerAxis) -> None:
    """Draw a marker for each network at its n, shifted to the side by its look's shift."""
    face, edge = look.face, look.edge
    at = networks["n"] + look.shift * along.aside, networks[measure]
    shape = {"s": AREA * (look.size * along.scale) ** 2, "marker": look.marker, "linewidth": 0.8 * along.scale}
    axes.scatter(*at, facecolor=face, edgecolor=edge, label=look.label, zorder=2, **shape)


def focus_on_values(axes: Axes, bars: pd.DataFrame, others: Iterable[float] = ()) -> None:
    """Limit the vertical axis to the range of the values, with as much room above and below for their intervals.

    `bars` has the columns at, value, low, high (empty without an interval) and colour; the axis also shows `others`. An
    arrow marks an interval that leaves the axis: with two repeats intervals are so wide that all values would appear to
    lie on one line.
    """
    values = [*bars["value"].dropna(), *others]
    room = max(max(values) - min(values), ROOM)
    bottom = max(min(values) - room, min([*values, *bars["low"].dropna()]))
    top = min(max(values) + room, max([*values, *bars["high"].dropna()]))
    edge = 0.06 * (top - bottom or ROOM)
    bottom, top = bottom - edge, top + edge
    axes.set_ylim(bottom, top)
    for beyond, at, marker in ((bars["low"] < bottom, bottom, "v"), (bars["high"] > top, top, "^")):
        arrows = {"c": bars.loc[beyond, "colour"].tolist(), "marker": marker, "s": 20, "clip_on": False, "zorder": 4}
        if beyond.any():
            axes.scatter(bars.loc[beyond, "at"], [at] * int(beyond.sum()), label=BEYOND, **arrows)


def save_figure(figure: Figure, paths: Iterable[Path]) -> None:
    """Save a figure under each path, in the format of its suffix, without metadata that changes from run to run."""
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        drawn = io.BytesIO()  # not directly to disk: if the disk is full, matplotlib raises other errors, too
        figure.savefig(drawn, format=path.suffix.removeprefix("."), dpi=200, metadata=metadata)
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(drawn.getvalue())
        figure.set_layout_engine(None)  # the positions of its parts are now fixed
