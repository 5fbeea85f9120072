"""The paper's own accuracies, in the columns of a study's table."""

from pathlib import Path

import pandas as pd

from transferability.results.accuracies import COLUMNS
from transferability.study.network import ALL, RANDOM, Network


def paper_accuracies(path: Path) -> pd.DataFrame:
    """Return the paper's networks in COLUMNS; values that the paper does not report are empty.

    `classes` is the number of classes of the paper's tasks, `val_images` is 50 per class as in ILSVRC-2012.
    """
    table = pd.read_csv(path).rename(columns={"top1_final": "top1"})
    table["preserved"], table["control"] = 0, False  # the paper has no control for longer training
    table["examples_per_class"] = table["examples_per_class"].fillna(0).astype(int)
    table["source"] = table["source"].fillna(table["treatment"].where(table["treatment"] == RANDOM, ALL))
    table["target"] = table["target"].fillna(ALL)
    table["network"] = [
        Network(row.split, row.source, row.target, row.n, row.fine_tuned, examples=row.examples_per_class).name
        for row in table.itertuples()
    ]
    sides = table["split"] == "manmade-natural"
    table["classes"] = table["target"].map({ALL: 1000, "A": 500, "B": 500})
    table.loc[sides, "classes"] = table.loc[sides, "target"].map({"A": 551, "B": 449})
    table["val_images"] = 50 * table["classes"]
    return table.reindex(columns=COLUMNS)
