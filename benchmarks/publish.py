"""Publish what a study found under docs/findings: python benchmarks/publish.py RESULTS NAME

Copies from the results directory what docs/findings.md and its figures are made from: the accuracies of all networks,
in all and by class, kernels, distances, provenance, and the figures as PNGs of 128 colours. No image of the set, no
weights. `pytest tests/test_findings.py --write-docs` then writes the tables of docs/findings.md from these files.
"""

import sys
from pathlib import Path

import pandas as pd
from PIL import Image

from transferability.common.atomic_files import write_text
from transferability.results.accuracies import COLUMNS

FINDINGS = Path(__file__).parents[1] / "docs" / "findings"
FIGURES = ("figure2", "figure3", "figure4", "filters", "advice")
TABLES = ("filters", "distances", "provenance")


def publish_accuracies(results: Path, folder: Path) -> None:
    """One table of all networks, and what each had right of each class (not known of the paper)."""
    pd.read_csv(results / "accuracy.csv")[COLUMNS].to_csv(folder / "accuracy.csv", index=False)
    by_class = [pd.read_csv(path, dtype={"wnid": str}) for path in sorted(results.glob("accuracy/*-by-class.csv"))]
    if by_class:
        long = pd.concat(by_class).drop_duplicates(["split", "network", "wnid"])
        wide = long.pivot_table(index=["split", "network"], columns="wnid", values="correct", sort=True)
        images = long.groupby("wnid")["images"].first()
        if (long.groupby("wnid")["images"].nunique() > 1).any():
            raise SystemExit(f"{results}: classes are tested on different numbers of images")
        wide.loc[("images", "images"), :] = images
        write_text(folder / "by-class.csv", wide.to_csv(float_format="%.0f"))


def publish_figures(results: Path, folder: Path) -> None:
    """The figures that there are, with few colours, so that all fit into two megabytes."""
    for name in FIGURES:
        if (results / f"{name}.png").exists():
            with Image.open(results / f"{name}.png") as picture:
                small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
                small.save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    results, folder = Path(sys.argv[1]), FINDINGS / sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    publish_accuracies(results, folder)
    for name in TABLES:
        if (results / f"{name}.csv").exists():
            write_text(folder / f"{name}.csv", (results / f"{name}.csv").read_text(encoding="utf-8"))
    publish_figures(results, folder)
