"""What the figures share: how treatments look, and how a figure is saved."""

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
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same bytes on every machine
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
    """How a treatment is drawn: label in the paper's notation, colours, marker, and the rest.

    The rest is its shift to the side of n (in gaps), its line, and its size, 1 for circles.
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


AREA = 30  # of a marker, in square points, where there is room
NUMBER, LETTER, LINE = 0.22, 0.075, 0.16  # inches that a number, a letter of 7 points and a line take on an axis of n
BEYOND = "interval leaves the axis"
ROOM = 5.0  # points that an axis shows above and below its values at least, if intervals reach there
ALL_LAYERS = 0.45  # inches from the label "8 (all)" to the one before it


@dataclass(frozen=True)
class LayerAxis:
    """The axis of n, the number of layers: the `numbers` of a study, 0 among them, lie on `inches`.

    `layers` are the names of layers 1, 2, ..., where they are to stand beside n. With many n markers get smaller, and
    only as many n are labelled as there is room for. `all_layers` is the n of the control, if there is one: it is
    labelled in any case, "8 (all)".
    """

    numbers: tuple[int, ...]
    layers: Sequence[str] = ()
    inches: float = 5.9
    all_layers: int = 0

    @classmethod
    def of(cls, networks: pd.DataFrame, layers: Sequence[str] = (), inches: float = 5.9) -> "LayerAxis":
        """The axis on which networks of a table of accuracies lie."""
        numbers = tuple(sorted({0} | set(networks["n"].astype(int))))
        controls = networks.loc[networks["control"].astype(bool), "n"]
        return cls(numbers, layers, inches, 0 if controls.empty else int(controls.max()))

    @property
    def last(self) -> int:
        """The largest n; at least 1."""
        return max(1, *self.numbers)

    @property
    def gap(self) -> int:
        """The smallest distance of two n."""
        return min((right - left for left, right in zip(self.numbers, self.numbers[1:], strict=False)), default=1)

    @property
    def aside(self) -> float:
        """How far a marker lies beside its n whose look shifts it by 1: to the next n, if that is no further than in
        the paper's figure, which has seven.
        """
        return min(self.gap, self.last / 7)

    @property
    def scale(self) -> float:
        """The size of markers, 1 where there is room: markers of neighbours hardly touch."""
        return min(1.0, max(0.4, 2.5 * self.gap * self._inch))

    @property
    def _inch(self) -> float:
        """Inches from one layer to the next."""
        return self.inches / (1.1 * self.last)

    def draw(self, axes: Axes) -> None:
        """Set the ticks: every n has one, and a label n with the layer's name below, or rotated, as far as they fit."""
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
        """The n that can be labelled: from the left, each at least so many inches from the one before.

        Of those that are not as far as `to_all` from the n of all layers, only the latter is.
        """
        step = int(-(-inches // (self.gap * self._inch))) * self.gap  # even steps where n are evenly spaced
        chosen = [self.numbers[0]]
        for n in self.numbers[1:]:
            if n - chosen[-1] >= step:
                chosen.append(n)
        if not self.all_layers:
            return chosen
        return [n for n in chosen if (self.all_layers - n) * self._inch >= to_all] + [self.all_layers]


def scatter(axes: Axes, networks: pd.DataFrame, measure: str, look: Look, along: LayerAxis) -> None:
    """Mark networks over n, shifted to the side as their look says."""
    face, edge = look.face, look.edge
    at = networks["n"] + look.shift * along.aside, networks[measure]
    shape = {"s": AREA * (look.size * along.scale) ** 2, "marker": look.marker, "linewidth": 0.8 * along.scale}
    axes.scatter(*at, facecolor=face, edgecolor=edge, label=look.label, zorder=2, **shape)


def focus_on_values(axes: Axes, bars: pd.DataFrame, others: Iterable[float] = ()) -> None:
    """Limit the vertical axis to the values, and as much above and below them for their intervals.

    `bars` has the columns at, value, low, high (empty without an interval) and colour; the axis shows `others` too. An
    arrow stands where an interval leaves the axis: with two repeats these are so wide that all values would lie on one
    line.
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
    """Save a figure under each path, in the format of its suffix, with nothing in it that changes from run to run."""
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        drawn = io.BytesIO()  # not straight to the disk: where that is full, matplotlib raises other errors as well
        figure.savefig(drawn, format=path.suffix.removeprefix("."), dpi=200, metadata=metadata)
        with atomic_write(path) as unfinished:
            unfinished.write_bytes(drawn.getvalue())
        figure.set_layout_engine(None)  # from now on its parts have their places
