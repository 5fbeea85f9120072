"""Publish the results of a study under docs/findings: python benchmarks/publish.py RESULTS NAME

Copies the sources of docs/findings.md from the results directory: the accuracies of all networks, overall and by class,
kernels, distances, provenance, and the figures as PNGs with 128 colours; no images of the set, and no weights. Then
`pytest tests/repository/test_findings.py --write-docs` generates the tables of docs/findings.md from them.
"""

import sys
from pathlib import Path

import pandas as pd
from PIL import Image

from transferability.common.atomic_files import write_text
from transferability.common.tables import write_table

FINDINGS = Path(__file__).parents[1] / "docs" / "findings"
FIGURES = ("figure1", "figure2", "figure3", "figure4", "figureS1", "filters", "curves", "advice")
TABLES = ("filters", "distances", "provenance", "oracle", "costs", "rates")


def publish_accuracies(results: Path, folder: Path) -> None:
    """Write the accuracies of all networks, and their accuracies by class, which are unknown for the paper."""
    for file in ("accuracy.csv", "accuracy.csv.sha256"):
        copy(results / file, folder)
    by_class = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in results.glob("accuracy/*-by-class.csv")]
    if by_class:
        table = pd.concat(by_class).drop_duplicates(["split", "network", "wnid"])
        table = table.sort_values(["split", "network", "wnid"])
        write_table(table, folder / "by-class.csv")


def copy(file: Path, folder: Path) -> None:
    """Copy a table, if it exists."""
    if file.exists():
        write_text(folder / file.name, file.read_text(encoding="utf-8"))


def publish_figures(results: Path, folder: Path) -> None:
    """Write the existing figures with few colours, so that all of them take less than two megabytes."""
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
        for suffix in (".csv", ".csv.sha256"):
            copy(results / f"{name}{suffix}", folder)
    publish_figures(results, folder)
