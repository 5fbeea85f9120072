"""A study as tables, for notebooks: what it has found until now, finished or not."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from transferability.analysis.effects import effects_table
from transferability.common.errors import InputError
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.study_list import read_networks
from transferability.results.accuracies import accuracy_table, by_class_table, with_residuals
from transferability.study.paths import accuracy_file


@dataclass(frozen=True)
class Study:
    """What the finished networks of a study have reached, in tidy tables. Accuracies are shares, 0 to 1.

    `networks`: one row per network, the columns of accuracy.csv (top1, loss, treatment, n, ...).
    `curves`: one row per test: split, network, iteration, top1, loss.
    `by_class`: one row per network and class: split, network, wnid, and how many of its `images` the last test had
    `correct`.
    `effects`: differences between treatments with their intervals, the columns of effects.csv; of mixed splits, too.
    Computed when it is first used.
    """

    networks: pd.DataFrame
    curves: pd.DataFrame
    by_class: pd.DataFrame

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Every effect per n and split, as `effects_table` gives it for top1."""
        return effects_table(with_residuals(self.networks, self.by_class), "top1")


def load_study(results: str | Path = "results") -> Study:
    """Load what is finished of the study in a results directory; it may still be running.

    Raises InputError if no study has run there, or for a damaged file.
    """
    results = Path(results)
    listed = read_networks(results)
    if "control" not in listed:
        raise InputError(f"{results / 'networks.csv'} is of an earlier version; start the workflow to write it again")
    files = [accuracy_file(results, row.split, row.network) for row in listed.itertuples()]
    records = [read_record(file) for file in files if file.exists()]
    controls = {(row.split, row.network) for row in listed.itertuples() if row.control}
    networks = accuracy_table(records, controls).astype({"top1_best10": float})
    tests = [
        {"split": record["split"], "network": record["network"], **test}
        for record in records
        for test in record["curve"]
    ]
    curves = pd.DataFrame(tests, columns=["split", "network", "iteration", "top1", "loss"])
    return Study(networks, curves, by_class_table(records))
