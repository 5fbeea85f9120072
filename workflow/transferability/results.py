"""Accuracies as one tidy table: one row per network, this study's or the paper's."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from transferability.errors import InputError
from transferability.networks import Network

COLUMNS = [
    *("network", "split", "treatment", "source", "target", "n", "fine_tuned"),
    *("classes", "train_images", "val_images", "top1", "top1_best10", "loss", "seed", "fingerprint"),
]


def collect(files: Iterable[Path]) -> pd.DataFrame:
    """Gather accuracy files in one table with COLUMNS, in the order given; raise InputError for a damaged file."""
    return pd.DataFrame([_read_accuracy(file) for file in files], columns=COLUMNS)


def read_accuracies(path: Path) -> pd.DataFrame:
    """Read a table that `collect` or `paper_accuracies` gave."""
    return pd.read_csv(path)


def paper_accuracies(path: Path) -> pd.DataFrame:
    """Return the paper's base, selffer and transfer networks in COLUMNS; what it does not tell stays empty."""
    table = pd.read_csv(path)
    table = table[table["experiment"].isin(["base", "selffer", "transfer"]) & (table["split"] != "whole")]
    table = table.rename(columns={"experiment": "treatment", "top1_final": "top1"})
    keys = table[["split", "source", "target", "n", "fine_tuned"]]
    table["network"] = [Network(**row).name for row in keys.to_dict("records")]
    return table.reindex(columns=COLUMNS)


def _read_accuracy(file: Path) -> dict:
    try:
        record = json.loads(file.read_text())
        return {column: record[column] for column in COLUMNS}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file} is damaged ({error!r}); delete it and run again to train this network anew"
        ) from error
