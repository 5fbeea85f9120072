"""Image sets listed in a CSV file with a row for each image: its path, its label and, if known, its subset."""

import csv
import io
import logging
import posixpath
import re
from collections.abc import Iterator, Mapping, Set
from functools import partial
from pathlib import Path

import pandas as pd

from transferability.common.errors import some_of
from transferability.datasets.formats.subsets import NAMES, names_of_subsets
from transferability.datasets.formats.suffixes import Problems, Row
from transferability.datasets.names import as_seen

log = logging.getLogger(__name__)

COLUMNS, SUBSET = ["path", "label"], "subset"
OTHER_SUBSETS = ("dev", "eval", "evaluation", "holdout")  # common names that have no meaning here
SURELY_BETWEEN = re.compile(r"[|;]|^[\[{].*,.*[\]}]$")  # "cat|dog", "['cat', 'dog']"
BETWEEN_LABELS = re.compile(r"[,+&/]")  # separates labels, or is part of one: "tench, Tinca tinca"
LOOKED_FOR = 20  # for at most this many missing files, similar names are looked up


def table(file: Path, problems: Problems) -> Iterator[Row]:
    """List the images of a table, in UTF-8: columns path (below the file's folder, or absolute), label, maybe subset.

    Without a column subset, or without validation images in it, the subset of all rows is "".
    """
    faults = problems.faults
    rows = _read(file, problems)
    if rows is None:
        return
    for column in rows:
        if len(bare := rows.index[rows[column] == ""]):
            faults.append(f"{len(bare)} rows without {column}, e.g. line {bare[0]}; fill in or remove them")
    faults += _repeated(file, rows)
    faults += _several_labels(rows)
    faults += _missing(file, rows)
    rows[SUBSET] = _subsets(rows, problems)
    yield from rows.loc[rows[SUBSET] != "other", [*COLUMNS, SUBSET]].itertuples(index=False, name=None)


def column_of(file: Path, name: str, faults: list[str]) -> dict[str, str]:
    """Return a further column of a table by path; add a fault to `faults` if there is none of this name."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [{key.strip().lower(): cell.strip() for key, cell in row.items()} for row in csv.DictReader(lines)]
    if not all(name.lower() in row for row in rows):
        others = some_of([key for key in rows[0] if key not in [*COLUMNS, SUBSET]]) or "none"
        faults.append(f"config key dataset.group: no column {name}; accepted: {others}")
    return {row["path"]: row.get(name.lower(), "") for row in rows}


def _read(file: Path, problems: Problems) -> pd.DataFrame | None:
    """Return the table, indexed by line number, with texts stripped; if it is no table, add a fault and return None."""
    faults = problems.faults
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
    if twice := sorted({name for name in [*COLUMNS, SUBSET] if names.count(name) > 1}):
        faults.append(f"column {' and '.join(twice)} occurs twice; keep the right one")
        return None
    numbered = {number: line for number, line in enumerate(body, 2) if any(line)}
    if uneven := [number for number, line in numbered.items() if len(line) != len(names)]:
        faults.append(
            f"{len(uneven)} lines without {len(names)} cells, e.g. line {uneven[0]}; put quotes around commas"
        )
        return None
    found = pd.DataFrame(list(numbered.values()), index=list(numbered), columns=range(len(names)), dtype=str)
    known = [place for place, name in enumerate(names) if name in [*COLUMNS, SUBSET]]
    others = {header[place] or "(no name)": found[place] for place in found.columns if place not in known}
    _judge_columns(others, SUBSET in names, problems)
    return found[known].set_axis([names[place] for place in known], axis="columns")


def _judge_columns(others: Mapping[str, pd.Series], divided: bool, problems: Problems) -> None:
    """Report columns that do not count; it is a fault if one of them divides the images and no column subset does."""
    dividing = [name for name, cells in others.items() if not divided and _divides(set(cells.str.lower()))]
    if dividing:
        subsets = some_of(sorted(set(others[dividing[0]]) - {""}))
        problems.faults.append(
            f"column {dividing[0]} divides the images ({subsets}), but only a column called subset can; rename it, or "
            "remove it"
        )
    if left_out := [name for name in others if name not in dividing]:
        problems.warnings.append(
            f"{len(left_out)} columns do not count: {some_of(left_out)}; path, label and subset do, and "
            "the one that config key dataset.group names"
        )


def _divides(cells: Set[str]) -> bool:
    """Return whether the cells of a column name subsets: the training subset, and one without training images."""
    return bool(cells & {*NAMES["train"]}) and bool(cells & {*NAMES["val"], *OTHER_SUBSETS})


def _several_labels(rows: pd.DataFrame) -> Iterator[str]:
    """Yield a fault about cells with several labels: divided by | or ;, or by another sign into labels of the table."""
    known = set(rows["label"])

    def is_several(label: str) -> bool:
        """Return whether a cell holds several labels, judged by the signs between them."""
        parts = [part.strip() for part in BETWEEN_LABELS.split(label)]
        return bool(SURELY_BETWEEN.search(label)) or (len(parts) > 1 and known.issuperset(parts))

    if several := [label for label in sorted(known) if is_several(label)]:
        line = rows.index[rows["label"] == several[0]][0]
        yield (
            f"{len(several)} labels name several classes: {some_of(several)}, e.g. line {line}; an image has one "
            "class: keep one, remove the image, or give the class another name"
        )


def _repeated(file: Path, rows: pd.DataFrame) -> Iterator[str]:
    """Yield faults about paths that occur twice, with one label or with two."""
    named = rows[rows["path"] != ""]
    groups = named.groupby(named["path"].map(partial(_normal, str(file.parent.absolute()))))["label"].agg(
        ["size", "nunique"]
    )
    two_labels = groups.index[groups["nunique"] > 1].tolist()
    twice = groups.index[(groups["size"] > 1) & (groups["nunique"] == 1)].tolist()
    if two_labels:
        yield f"{len(two_labels)} paths have two labels: {some_of(two_labels)}; keep the right one"
    if twice:
        yield f"{len(twice)} paths occur twice: {some_of(twice)}; remove one of each"


def _missing(file: Path, rows: pd.DataFrame) -> Iterator[str]:
    paths = [path for path in rows["path"] if path]
    missing = [path for path in paths if not (file.parent / path).is_file()]
    if missing:
        alike = [pair for path in missing[:LOOKED_FOR] if (pair := _as_it_is(file.parent / path))]
        hint = f"; names differ from those on the disk: {some_of(alike)}" if alike else ""
        yield (
            f"{len(missing)} of {len(paths)} files are missing: {some_of(missing)}; paths are below {file.parent}, "
            f"or absolute{hint}"
        )


def _normal(folder: str, path: str) -> str:
    """The same text for the same file, however its path is written; relative if it is below the table's folder."""
    path = posixpath.normpath(posixpath.join(folder, path))
    return path.removeprefix(f"{posixpath.normpath(folder)}/")


def _as_it_is(missing: Path) -> str:
    """Return "'a.png' is 'A.PNG'" if the folder of a missing file has one whose name looks the same, else ""."""
    try:
        names = [path.name for path in missing.parent.iterdir()]
    except OSError:
        return ""
    alike = [name for name in names if as_seen(name) == as_seen(missing.name)]
    return f"{missing.name!a} is {alike[0]!a}" if alike else ""


def _subsets(rows: pd.DataFrame, problems: Problems) -> pd.Series:
    """Return the subset of each row: train, val, "" if not given, "other" for one that does not count."""
    if SUBSET not in rows:
        return pd.Series("", index=rows.index)
    given = rows[SUBSET].str.lower()
    known = [name for names in NAMES.values() for name in names]
    if unknown := sorted(set(given) - {*known, ""}):
        problems.faults.append(f"unknown subset: {some_of(unknown)}; accepted: {', '.join(known)}")
    chosen = names_of_subsets(set(given))
    log.info("subsets: %s", ", ".join(f"{subset} is {name}" for subset, name in chosen.items()) or "none")
    if "val" not in chosen:
        return pd.Series("", index=rows.index)
    # "train" and "training" are the same; of the names for validation the first one found counts, as for folders.
    mapped = given.map({**dict.fromkeys(NAMES["train"], "train"), chosen["val"]: "val"}).fillna("other")
    if others := int((mapped == "other").sum()):
        problems.warnings.append(f"{others} rows of other subsets do not count")
    return mapped
