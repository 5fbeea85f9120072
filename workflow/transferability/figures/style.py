"""What the figures share: how treatments look, and how a figure is saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from transferability.common.atomic_files import written_whole

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
    """A treatment's marker: label in the paper's notation, colours, shape, and shift to the side of n."""

    label: str
    face: str
    edge: str
    marker: str
    shift: float = 0.0


BASE = Look("base", "white", "black", "o")
TREATMENT_LOOKS = {
    ("selffer", False): Look("selffer BnB", "#1a3a8f", "#0c1c47", "o", -0.18),
    ("selffer", True): Look("selffer BnB$^+$", "#8db8ee", "#1a3a8f", "o", -0.06),
    ("transfer", False): Look("transfer AnB", "#9c1c1c", "#4a0a0a", "D", 0.06),
    ("transfer", True): Look("transfer AnB$^+$", "#f2a0a0", "#9c1c1c", "D", 0.18),
}

MEASURES = {"top1": "top-1 accuracy (last test)", "top1_best10": "top-1 accuracy (mean of ten best tests)"}


def scatter(axes: Axes, networks: pd.DataFrame, measure: str, look: Look) -> None:
    """Mark networks over n, shifted to the side as their look says."""
    face, edge = look.face, look.edge
    at = networks["n"] + look.shift, networks[measure]
    axes.scatter(
        *at, s=30, marker=look.marker, facecolor=face, edgecolor=edge, linewidth=0.8, label=look.label, zorder=2
    )


def save_figure(figure: Figure, paths: Iterable[Path]) -> None:
    """Save a figure under each path, in the format of its suffix, with nothing in it that changes from run to run."""
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with written_whole(path) as unfinished:
            figure.savefig(unfinished, format=path.suffix.removeprefix("."), dpi=200, metadata=metadata)
