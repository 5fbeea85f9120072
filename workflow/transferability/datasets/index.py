"""The index of an image set: one row per image, and the faults of the set."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.common.subsets import FOLD, in_subset
from transferability.datasets.formats import FORMATS
from transferability.datasets.formats.suffixes import Problems
from transferability.datasets.groups import belonging_together, divided_groups, groups_of, with_groups
from transferability.datasets.holding_out import HoldOut, hold_out, into_folds
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.names import look_alikes

log = logging.getLogger(__name__)


NOTHING = HoldOut()


def index_images(layout: str, root: Path, held_out: HoldOut = NOTHING) -> pd.DataFrame:
    """List the images of a set: columns path, wnid, subset (train or val), sorted by subset, wnid, path.

    `held_out` says which images are set aside for validation where the set has no validation images. Folds are subsets
    fold-0, fold-1, ... There is a column group if images belong together (`groups`).

    Raises an InputError that names every fault of the tree: it does not have this layout, classes lack images in a
    subset, ...
    """
    table, problems = list_images(layout, root, held_out)
    if problems.faults:
        raise InputError("\n".join(f"{root}: {fault}" for fault in problems.faults))
    for subset, images in table["subset"].value_counts(sort=False).items():
        log.info("%d images in %s", images, subset)
    return table


def list_images(layout: str, root: Path, held_out: HoldOut = NOTHING) -> tuple[pd.DataFrame, Problems]:
    """Return the table of `index_images` for the images found, and the faults of the tree and warnings about it."""
    kind = FORMATS[layout]
    if not (root.is_file() if kind.is_file else root.is_dir()):
        wanted = "a CSV file" if kind.is_file else "a directory"
        fault = f"it is not {wanted}; config key dataset.root expects {wanted} for a set in {layout} layout"
        return pd.DataFrame(columns=["path", "wnid", "subset"]), Problems([fault])
    problems = Problems()
    faults = problems.faults
    table = pd.DataFrame(kind.images(root, problems), columns=["path", "wnid", "subset"])
    for warning in problems.warnings:
        log.warning("%s", warning)
    faults += look_alikes(table)
    if faults:  # classes may lack images for reasons that have been reported already
        table["subset"] = table["subset"].replace("", "train")
    else:
        if held_out.group:
            table["group"] = groups_of(layout, root, table, held_out.group, faults)
        table = _with_subsets(table, ImageFiles(layout, root, table["path"].tolist()), held_out, faults)
        faults += _too_few(table, layout)
    faults += _unprintable(table)
    # Numbers at the end of names are sorted as text: the order only has to be the same on every machine.
    faults[:] = dict.fromkeys(faults)
    return table.sort_values(["subset", "wnid", "path"], ignore_index=True), problems


def count_images(table: pd.DataFrame, fold: int | None = None) -> pd.DataFrame:
    """Return the number of images per class and subset: columns train, val; index wnid, sorted.

    In a set of folds, `fold` is the one for validation; the first, if none is given.
    """
    if fold is None and table["subset"].str.startswith(FOLD).any():
        fold = 0
    names = ("train", "val")
    counts = {name: table[in_subset(table, name, fold)].groupby("wnid").size() for name in names}
    wnids = pd.Index(sorted(table["wnid"].unique()), name="wnid")
    return pd.DataFrame(counts, index=wnids, columns=names).fillna(0).astype(int)


def _with_subsets(table: pd.DataFrame, files: ImageFiles, held_out: HoldOut, faults: list[str]) -> pd.DataFrame:
    """Assign images to subsets where the set does not, and note the classes that lack images in one."""
    validation, folds = held_out.validation, held_out.folds
    if (table["subset"] == "").any():
        if folds:
            log.info("the set has no validation images: each of %d folds is held out in turn", folds)
            together = belonging_together(table, files)
            return with_groups(into_folds(table, together, folds, faults), together)
        if validation is not None:
            log.info("the set has no validation images: a share of %g of each class is held out", validation)
            together = belonging_together(table, files)
            return with_groups(hold_out(table, together, validation, faults), together)
        faults.append(
            "no validation images; add a folder val (in layout table a column subset), or hold out a share of each "
            "class by config key dataset.validation, e.g. 0.2, or each of some folds in turn by dataset.folds, e.g. 5"
        )
        return table.assign(subset="train")
    if folds:
        faults.append(
            f"config key dataset.folds: {folds} given, but the set has validation images of its own; leave the key "
            "out, or put all images of a class into one folder"
        )
        return table
    faults += divided_groups(table)
    if validation is not None:
        log.info("config key dataset.validation holds nothing out: the set has validation images of its own")
    counts = count_images(table)
    for subset in counts.columns:
        if missing := counts.index[counts[subset] == 0].tolist():
            faults.append(
                f"no {subset} images for {len(missing)} of {len(counts)} classes: {', '.join(missing)}; "
                "add them or remove the classes"
            )
    return table


def _too_few(table: pd.DataFrame, layout: str) -> Iterator[str]:
    classes = table["wnid"].unique()
    if len(classes) == 0:
        yield f"no images found in {layout} layout"
    if len(classes) == 1:
        yield (
            f"{classes[0]} is the only class, and a network needs two or more classes; add classes, or let "
            "config key dataset.root name the directory that holds the classes' folders"
        )


def _unprintable(table: pd.DataFrame) -> Iterator[str]:
    for column, name in (("path", "file"), ("wnid", "class")):
        if unprintable := [text for text in table[column].unique() if not text.isprintable()]:
            yield f"{len(unprintable)} {name} names have unprintable characters, e.g. {unprintable[0]!a}; rename them"
