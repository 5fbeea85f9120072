"""A study as tables, for notebooks: the results so far, whether the study is finished or not."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from transferability.analysis.effects import effects_table
from transferability.common.errors import InputError
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.study_list import read_networks
from transferability.results.accuracies import accuracy_table, by_class_table, with_residuals
from transferability.study.files import Results


@dataclass(frozen=True)
class Study:
    """The results of a study's finished networks, in tidy tables. Accuracies are shares, 0 to 1.

    `networks`: one row per network, with the columns of accuracy.csv (top1, loss, treatment, n, ...).
    `curves`: one row per test: split, network, iteration, top1, loss.
    `by_class`: one row per network and class: split, network, wnid, correct (images that the last test classified
    correctly), images.
    `effects`: differences between treatments with their intervals, with the columns of effects.csv; also for mixed
    splits. Computed when it is first used.
    """

    networks: pd.DataFrame
    curves: pd.DataFrame
    by_class: pd.DataFrame

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Every effect per n and split: the table of `effects_table` for top1."""
        return effects_table(with_residuals(self.networks, self.by_class), "top1")


def load_study(results: str | Path = "results") -> Study:
    """Load the finished networks of the study in a results directory; the study may still be running.

    Raises InputError if no study has run there, or if a file is damaged.
    """
    results = Path(results)
    listed = read_networks(results)
    if "control" not in listed:
        raise InputError(f"{results / 'networks.csv'} is of an earlier version; start the workflow to write it again")
    files = [Results(results).accuracy(row.split, row.network) for row in listed.itertuples()]
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
