"""A CSV file with a row for each image: its path, its label and, if known, its subset."""

import csv
import io
import logging
import posixpath
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from transferability.common.errors import some_of
from transferability.datasets.formats.subsets import NAMES, names_of_subsets
from transferability.datasets.formats.suffixes import Row

log = logging.getLogger(__name__)

COLUMNS = ["path", "label"]


def table(file: Path, faults: list[str]) -> Iterator[Row]:
    """List the images of a table, in UTF-8: columns path (below the file's folder, or absolute), label, maybe subset.

    Without a column subset, or without validation images in it, the rows do not say which subset an image is in.
    """
    rows = _read(file, faults)
    if rows is None:
        return
    for column in rows:
        if len(bare := rows.index[rows[column] == ""]):
            faults.append(f"{len(bare)} rows without {column}, e.g. line {bare[0]}; fill in or remove them")
    faults += _repeated(rows)
    faults += _missing(file, rows)
    rows["subset"] = _subsets(rows, faults)
    yield from rows.loc[rows["subset"] != "other", ["path", "label", "subset"]].itertuples(index=False, name=None)


def _read(file: Path, faults: list[str]) -> pd.DataFrame | None:
    """Return the table by the numbers of its lines, texts without spaces around them; None and a fault for no table."""
    try:
        lines = list(csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))
    except UnicodeDecodeError as error:
        faults.append(f"byte {error.start} is not UTF-8; save it as CSV in UTF-8")
        return None
    except (OSError, csv.Error) as error:
        faults.append(f"it cannot be read as CSV ({error}); it needs columns path,label and maybe subset")
        return None
    header, *body = [[cell.strip() for cell in line] for line in lines] or [[]]
    names = [name.lower() for name in header]
    if lacking := [name for name in COLUMNS if name not in names]:
        faults.append(
            f"no column {' and '.join(lacking)}; it has {','.join(header) or 'nothing'}, and needs path,label"
        )
        return None
    numbered = {number: line for number, line in enumerate(body, 2) if any(line)}
    if uneven := [number for number, line in numbered.items() if len(line) != len(names)]:
        faults.append(
            f"{len(uneven)} lines without {len(names)} cells, e.g. line {uneven[0]}; put quotes around commas"
        )
        return None
    found = pd.DataFrame.from_dict(numbered, orient="index", columns=names, dtype=str)
    return found[[name for name in [*COLUMNS, "subset"] if name in names]].copy()


def _repeated(rows: pd.DataFrame) -> Iterator[str]:
    """Yield faults of paths that are there twice, with one label or with two."""
    groups = rows.groupby(rows["path"].map(posixpath.normpath))["label"].agg(["size", "nunique"])
    two_labels = groups.index[groups["nunique"] > 1].tolist()
    twice = groups.index[(groups["size"] > 1) & (groups["nunique"] == 1)].tolist()
    if two_labels:
        yield f"{len(two_labels)} paths have two labels: {some_of(two_labels)}; keep the right one"
    if twice:
        yield f"{len(twice)} paths are there twice: {some_of(twice)}; remove one of each"


def _missing(file: Path, rows: pd.DataFrame) -> Iterator[str]:
    paths = [path for path in rows["path"] if path]
    missing = [path for path in paths if not (file.parent / path).is_file()]
    if missing:
        yield (
            f"{len(missing)} of {len(paths)} files are missing: {some_of(missing)}; paths are below {file.parent}, or "
            "absolute"
        )


def _subsets(rows: pd.DataFrame, faults: list[str]) -> pd.Series:
    """Return the subset of each row: train, val, "" if not said, "other" for one that does not count."""
    if "subset" not in rows:
        return pd.Series("", index=rows.index)
    given = rows["subset"].str.lower()
    known = [name for names in NAMES.values() for name in names]
    if unknown := sorted(set(given) - {*known, ""}):
        faults.append(f"unknown subset: {some_of(unknown)}; accepted: {', '.join(known)}")
    chosen = names_of_subsets(set(given))
    log.info("subsets: %s", ", ".join(f"{subset} is {name}" for subset, name in chosen.items()) or "none")
    if "val" not in chosen:
        return pd.Series("", index=rows.index)
    # "train" and "training" are the same; of the names for validation the first counts, as that of folders does.
    mapped = given.map({**dict.fromkeys(NAMES["train"], "train"), chosen["val"]: "val"}).fillna("other")
    if others := int((mapped == "other").sum()):
        log.info("%d rows of other subsets do not count", others)
    return mapped
