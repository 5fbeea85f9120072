"""The learning rates that a study tried, and which it chose, as a table."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from transferability.jobs.rates_file import read_rates

RATES_TEXT = """Each family of networks (from scratch, copied layers all frozen, copied layers that learn) has one
learning rate. It was searched with the network named here, on the first repeat: trained on four fifths of the training
images with each rate, and tested on the other fifth. The highest accuracy decides; among equal ones, the smallest loss.
The images that the first repeat holds out took no part; in a set of folds, the other repeats are tested on images that
did. If the chosen rate is the smallest or the largest of the list, the best one may lie outside: give more rates in
config key training.learning_rate."""


def rates_table(files: Iterable[Path]) -> pd.DataFrame:
    """Return a row per search and rate: columns split, family, network, rate, top1, loss, chosen (bool), at_end (bool).

    at_end is whether the chosen rate is the smallest or the largest that was tried. Raises InputError if a file is
    damaged.
    """
    rows = []
    for file in files:
        record = read_rates(file)
        tried = [trial["rate"] for trial in record["trials"]]
        names = {"split": file.parent.name, "family": file.stem, "network": record["network"]}
        at_end = record["chosen"] in (min(tried), max(tried))
        for trial in record["trials"]:
            rows.append(names | trial | {"chosen": trial["rate"] == record["chosen"], "at_end": at_end})
    columns = ["split", "family", "network", "rate", "top1", "loss", "chosen", "at_end"]
    return pd.DataFrame(rows, columns=columns)


def rates_in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table for readers: a row per search, with the accuracy of each rate, and the chosen one."""
    shown = table.assign(
        accuracy=(100 * table["top1"].astype(float)).map("{:.1f} %".format).replace("nan %", "diverged")
    )
    wide = shown.pivot_table("accuracy", ["split", "family", "network"], "rate", "first", sort=False)
    wide.columns = [f"{rate:g}" for rate in wide.columns]
    chosen = table[table["chosen"]].set_index(["split", "family", "network"])
    ends = chosen["at_end"].map({True: " (at the end of the list)", False: ""})
    return wide.assign(chosen=chosen["rate"].map("{:g}".format) + ends).reset_index()
