"""The figures of an arm's mistakes: the confusion matrix, and contact sheets of the images."""

from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from transferability.common.contact_sheet import COLUMNS, Tile, contact_sheet, in_rows
from transferability.common.pages import one_line
from transferability.figures import style  # noqa: F401 (sets the look of all figures)

CLASSES, NUMBERED = 24, 12  # classes that a matrix has at most, and at most with numbers in its cells
LETTERS = 24  # of a class's name
SHOWN = 5 * COLUMNS  # images on a contact sheet


def draw_confusion(tests: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw the share of each class's tests that name each class: a row per class, a column per answer.

    `tests` is that of `mistakes.Mistakes`, `names` maps classes to what readers call them. Of more than CLASSES classes
    those with the most mistakes are drawn.
    """
    wrong = tests[~tests["right"]]
    classes = sorted({*tests["wnid"], *tests["predicted"]})
    mistakes = pd.concat([wrong["wnid"], wrong["predicted"]]).value_counts().reindex(classes, fill_value=0)
    chosen = sorted(mistakes.sort_values(ascending=False, kind="stable").index[:CLASSES])
    counts = pd.crosstab(tests["wnid"], tests["predicted"]).reindex(index=chosen, columns=chosen, fill_value=0)
    of = tests.groupby("wnid").size().reindex(chosen)
    inches = 2.4 + 0.34 * len(chosen)
    figure = Figure(figsize=(inches, inches), layout="constrained")
    axes = figure.subplots()
    axes.grid(False)
    axes.imshow(counts.div(of, axis=0).to_numpy(dtype=float), cmap="Blues", vmin=0, vmax=1)
    labels = [one_line(names[wnid])[:LETTERS] for wnid in chosen]
    plain = {"parse_math": False}  # a class may be called $x^
    axes.set_xticks(range(len(chosen)), labels, rotation=90, **plain)
    axes.set_yticks(range(len(chosen)), labels, **plain)
    axes.set_xlabel("predicted")
    some = len(chosen) < len(classes)
    axes.set_ylabel(f"label: the {CLASSES} of {len(classes):,} classes with most mistakes" if some else "label")
    if len(chosen) <= NUMBERED:
        for (row, column), number in np.ndenumerate(counts.to_numpy()):
            dark = number > 0.6 * of.iloc[row]
            axes.text(column, row, f"{number}", ha="center", va="center", color="white" if dark else "black")
    return figure


def draw_mistakes(images: pd.DataFrame, store: np.ndarray, names: Mapping[str, str]) -> Image.Image:
    """Draw the first SHOWN images of a table (`mistakes.Mistakes.images`), each with file, label and answer.

    `store` is a `store.reading.Store`.
    """
    if images.empty:
        sheet = Image.new("RGB", (200, 40), "white")
        ImageDraw.Draw(sheet).text((10, 12), "no such photographs", "black")
        return sheet
    tiles = [
        Tile(
            store[np.array([row.row])][0],
            [
                f"{number}. {PurePosixPath(row.path).name}",
                f"label: {names[row.wnid]}",
                f"{100 * row.confidence:.0f} %: {names[row.predicted]}",
            ],
        )
        for number, row in enumerate(images.rename(columns={"class": "wnid"}).head(SHOWN).itertuples(index=False), 1)
    ]
    return contact_sheet(in_rows(tiles))
