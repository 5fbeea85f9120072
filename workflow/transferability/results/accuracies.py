"""Accuracies of this study or the paper as tidy tables: one row per network, or one row per network and class."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.common.spreadsheets import as_given
from transferability.common.tables import check_table
from transferability.jobs.accuracy_file import read_record
from transferability.study.study_plan import StudyPlan

COLUMNS = [
    *("network", "split", "treatment", "control", "source", "target", "n", "fine_tuned", "preserved"),
    "examples_per_class",
    *("classes", "train_images", "val_images", "top1", "top1_best10", "loss", "seed", "fingerprint"),
]
BY_CLASS = "by_class"  # column of `read_study`


def collect(expected: Mapping[Path, str], controls: Collection[tuple[str, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Collect accuracy files in two tables, in the order given; `expected` has the mark that each network should have.

    `controls` are the controls for longer training, as `StudyPlan.controls` returns them.

    The first table has COLUMNS. The second has the number of images of each class that the last test classified
    correctly: columns split, network, wnid, correct, images.

    Raises InputError for a damaged file, and for a file made by other code, settings or data.
    """
    records = [read_record(file) for file in expected]
    stale = [
        str(file)
        for record, (file, mark) in zip(records, expected.items(), strict=True)
        if record["fingerprint"] != mark
    ]
    if stale:
        raise InputError(
            f"{len(stale)} of {len(records)} networks were trained by other code, settings or data than this study's: "
            f"{', '.join(stale)}; run again; if that does not retrain them, delete these files"
        )
    return accuracy_table(records, controls), by_class_table(records)


def accuracy_table(records: Iterable[Mapping], controls: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Return a table with COLUMNS from accuracy files (`accuracy_file.read_record`); `controls` as for `collect`.

    The files do not record which network is the control: that depends on the study, not on the network.
    """
    rows = [{**record, "control": (record["split"], record["network"]) in controls} for record in records]
    return pd.DataFrame(rows, columns=COLUMNS)


def by_class_table(records: Iterable[Mapping]) -> pd.DataFrame:
    """Return correctly classified images by class, from the last tests: columns split, network, wnid, correct, images.

    `records` are the contents of accuracy files (`accuracy_file.read_record`).
    """
    rows = [
        (record["split"], record["network"], wnid, *map(int, share.split("/")))
        for record in records
        for wnid, share in record[BY_CLASS].items()
    ]
    return pd.DataFrame(rows, columns=["split", "network", "wnid", "correct", "images"])


def read_finished(study: StudyPlan) -> pd.DataFrame:
    """Read the accuracies (COLUMNS) of a study's finished networks; the study itself may be unfinished.

    Raises InputError for a damaged file.
    """
    files = [study.results.accuracy(network.split, network.name) for network in study.networks]
    return accuracy_table([read_record(file) for file in files if file.exists()], study.controls)


def read_accuracies(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables with COLUMNS as one table; a network that is in several tables appears once.

    Raises InputError for a damaged table, and for one of an earlier version, which does not record which networks are
    controls.
    """
    tables = [table for table in map(_read_table, paths) if len(table)]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(tables).drop_duplicates(["split", "network"]).reset_index(drop=True)


def read_study(accuracies: Iterable[Path], by_class: Iterable[Path]) -> pd.DataFrame:
    """Read accuracies with a column by_class: per network a Series (wnid -> residual), or None if it is not known.

    A residual is a class's contribution to a network's accuracy beyond its share of the images:
    (correct - top1 * images) / all images.
    """
    return with_residuals(read_accuracies(accuracies), read_by_class(by_class))


def read_by_class(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables of `by_class_table` as one, each network once; an empty table without columns if there is none.

    Raises InputError for a damaged table.
    """
    tables = [found for found in map(_read_by_class, paths) if len(found)]
    return pd.concat(tables).drop_duplicates(["split", "network", "wnid"]) if tables else pd.DataFrame()


def with_residuals(accuracies: pd.DataFrame, long: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies with the column by_class of `read_study`; `long` is a table of `by_class_table`."""
    table = accuracies.assign(**{BY_CLASS: None})
    if long.empty:
        return table
    sums = long.groupby(["split", "network"])[["correct", "images"]].transform("sum")
    residual = (long["correct"] - sums["correct"] / sums["images"] * long["images"]) / sums["images"]
    long = long.assign(residual=residual)
    known = {key: rows.set_index("wnid")["residual"] for key, rows in long.groupby(["split", "network"])}
    table[BY_CLASS] = [known.get(key) for key in zip(table["split"], table["network"], strict=True)]
    return table


def _read_table(path: Path) -> pd.DataFrame:
    check_table(path)
    table = pd.read_csv(path)
    if "control" not in table:
        raise InputError(f"{path}: no column control; an earlier version wrote this table: delete it and run again")
    return table


def _read_by_class(path: Path) -> pd.DataFrame:
    check_table(path)
    table = pd.read_csv(path, dtype={"wnid": str}, keep_default_na=False)  # a class may be called 01, or None
    return table.assign(wnid=as_given(table["wnid"]))
