"""Accuracies as tidy tables: one row per network, one row per network and class, this study's or the paper's."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from transferability.errors import InputError
from transferability.fingerprint import fingerprint
from transferability.networks import ALL, RANDOM, Network

COLUMNS = [
    *("network", "split", "treatment", "source", "target", "n", "fine_tuned", "preserved", "examples_per_class"),
    *("classes", "train_images", "val_images", "top1", "top1_best10", "loss", "seed", "fingerprint"),
]
BY_CLASS = "by_class"  # column of `read_study`


def collect(expected: Mapping[Path, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather accuracy files, each with the mark that its network should have, in two tables, in the order given.

    Raises InputError for a damaged file, and for one that other code, settings or data made.

    The first has COLUMNS. The second tells what the last test had right of each class: columns split, network, wnid,
    correct, images.
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
            f"{', '.join(stale)}; run again, or if that does not train them anew, delete these files"
        )
    by_class = [
        (record["split"], record["network"], wnid, *map(int, share.split("/")))
        for record in records
        for wnid, share in record[BY_CLASS].items()
    ]
    return (
        pd.DataFrame(records, columns=COLUMNS),
        pd.DataFrame(by_class, columns=["split", "network", "wnid", "correct", "images"]),
    )


def read_record(file: Path) -> dict:
    """Read an accuracy file; raise InputError if it is damaged."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        digest = record.pop("checksum")
        damage = "" if fingerprint(record) == digest else "its checksum differs"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{file} is damaged ({damage}); delete it and run again to train this network anew")
    return record


def read_accuracies(paths: Iterable[Path]) -> pd.DataFrame:
    """Read tables with COLUMNS as one; a network that is in several is there once."""
    tables = [table for table in map(pd.read_csv, paths) if len(table)]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(tables).drop_duplicates(["split", "network"]).reset_index(drop=True)


def read_study(accuracies: Iterable[Path], by_class: Iterable[Path]) -> pd.DataFrame:
    """Read accuracies with a column by_class: per network a Series (wnid -> residual), or None where it is not known.

    A residual is what a class adds to a network's accuracy beyond its due: (correct - top1 * images) / all images.
    """
    table = read_accuracies(accuracies)
    table[BY_CLASS] = None
    classes = [found for found in map(_read_by_class, by_class) if len(found)]
    if not classes:
        return table
    long = pd.concat(classes).drop_duplicates(["split", "network", "wnid"])
    sums = long.groupby(["split", "network"])[["correct", "images"]].transform("sum")
    long["residual"] = (long["correct"] - sums["correct"] / sums["images"] * long["images"]) / sums["images"]
    known = {key: rows.set_index("wnid")["residual"] for key, rows in long.groupby(["split", "network"])}
    table[BY_CLASS] = [known.get(key) for key in zip(table["split"], table["network"], strict=True)]
    return table


def _read_by_class(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"wnid": str}, keep_default_na=False)  # a class may be called 01, or None


def paper_accuracies(path: Path) -> pd.DataFrame:
    """Return the paper's networks in COLUMNS; what it does not tell stays empty.

    Classes are those of its tasks, validation images ILSVRC-2012's 50 a class.
    """
    table = pd.read_csv(path).rename(columns={"experiment": "treatment", "top1_final": "top1"})
    table["preserved"] = 0
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


PROVENANCE_TEXT = """Training jobs by split, host, device and versions: their number, how many of them went on from the
state of a job that was stopped, the hours of the last job of each, mean speed, first start and last end (UTC)."""


def provenance_table(files: Iterable[Path]) -> pd.DataFrame:
    """Sum up provenance files as PROVENANCE_TEXT says; raise InputError for a damaged file."""
    table = pd.DataFrame([{"split": file.parent.name, **_read_provenance(file)} for file in files])
    table["started"] = pd.to_datetime(table["started"])
    table["ended"] = table["started"] + pd.to_timedelta(table["seconds"], unit="s")
    keys = ["split", "host", "device", "threads", "torch", "python"]
    summary = table.groupby(keys).agg(
        networks=("seconds", "size"),
        resumed=("resumed_at_iteration", lambda iterations: (iterations > 0).sum()),
        hours=("seconds", lambda seconds: seconds.sum() / 3600),
        images_per_s=("images_per_s", "mean"),
        first_start=("started", "min"),
        last_end=("ended", "max"),
    )
    times = {name: summary[name].dt.strftime("%Y-%m-%d %H:%M:%S") for name in ("first_start", "last_end")}
    return summary.assign(**times).reset_index()


def _read_provenance(file: Path) -> dict:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{file} is damaged ({error!r}); delete it and run again to train this network anew"
        ) from error
