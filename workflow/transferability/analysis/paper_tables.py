"""The paper's tables from a table of accuracies: Table 1 (boosts of transfer with fine-tuning) and Table S1."""

import numpy as np
import pandas as pd

from transferability.analysis.effects import estimate, range_in_words
from transferability.analysis.relative import relative_accuracies

TABLE1_TEXT = """Gain of AnB+ over base and over BnB+ in points of top-1 accuracy, averaged over all n of the study, the
upper two thirds, and the upper third: with seven layers 1-7, 3-7 and 5-7, as in the paper. Unpaired: as in the paper,
the difference of means over all networks. Paired: each network is first taken relative to the base network of its own
target half; low and high bound the 90 % interval (empty for one split alone)."""
NO_TABLE1 = "This study has no networks AnB+ on random splits, which Table 1 is about."
TABLE_S1_TEXT = """Networks trained on the first examples of each class, with all classes: top-1 accuracy of the last
test, and the mean of the ten best tests."""


def table1(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the boost of AnB+ over base and over BnB+ on random splits, in points, averaged over ranges of n.

    Columns: comparison, layers, unpaired, paired, paired_low, paired_high. `unpaired` is the paper's average: the mean
    of all AnB+ networks in the range less the mean of all base networks, or of all BnB+ networks in the range.
    `paired` first takes each network relative to the base network of its own target half. Without networks AnB+ the
    table has no rows; without networks BnB+ the comparison with them has no numbers.
    """
    table = accuracies[accuracies["split"].str.startswith("random-")]
    relative = relative_accuracies(table, measure)
    base = table.loc[table["treatment"] == "base", measure].mean()
    rows = []
    for comparison in ("base", "BnB+"):
        for layers, numbers in _ranges(relative).items():
            contrast = {("AnB+", numbers): 1.0}
            if comparison != "base":
                contrast["BnB+", numbers] = -1.0
            paired = estimate(relative, contrast)
            means = relative[relative["n"].isin(numbers)].groupby("treatment")["accuracy"].mean()
            means["base"] = base
            unpaired = means["AnB+"] - means[comparison] if paired.networks else np.nan
            rows.append([comparison, layers, *(100 * x for x in (unpaired, paired.value, *paired.interval()))])
    return pd.DataFrame(rows, columns=["comparison", "layers", "unpaired", "paired", "paired_low", "paired_high"])


def _ranges(relative: pd.DataFrame) -> dict[str, tuple[int, ...]]:
    """All n of the networks AnB+, the upper two thirds, and the upper third, by their names ("1-7")."""
    numbers = sorted(set(relative.loc[relative["treatment"] == "AnB+", "n"]))
    parts = [tuple(numbers[third * len(numbers) // 3 :]) for third in range(3)]
    return {range_in_words(part): part for part in parts if part}


def table_s1(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies over the number of training examples per class, from the fewest to all (the base network)."""
    table = accuracies[(accuracies["split"] == "whole") & accuracies["treatment"].isin(["base", "reduced"])]
    table = table.assign(order=table["examples_per_class"].replace(0, 10**9)).sort_values("order")
    columns = ["network", "examples_per_class", "train_images", "val_images", "top1", "top1_best10"]
    table = table[columns].astype({"examples_per_class": object})
    return table.replace({"examples_per_class": {0: "all"}}).reset_index(drop=True)
