"""The subset of each image in an index: training, validation, or one of several folds."""

import pandas as pd

FOLD = "fold-"  # prefix of subsets in a set that is divided into folds: fold-0, fold-1, ...


def in_subset(index: pd.DataFrame, subset: str, fold: int | None = None) -> pd.Series:
    """Return whether each image of an index belongs to a subset, train or val, as bool.

    In a set of folds, the images of `fold` are those for validation, and all others are for training.
    """
    if fold is None:
        return index["subset"] == subset
    held_out = index["subset"] == f"{FOLD}{fold}"
    return held_out if subset == "val" else ~held_out
