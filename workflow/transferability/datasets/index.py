"""The index of an image set: one row per image, and the faults of the set."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.datasets.formats import FORMATS
from transferability.datasets.formats.suffixes import Problems
from transferability.datasets.holding_out import hold_out
from transferability.datasets.names import look_alikes

log = logging.getLogger(__name__)


def index_images(layout: str, root: Path, validation: float | None = None) -> pd.DataFrame:
    """List the images of a set: columns path, wnid, subset (train or val), sorted by subset, wnid, path.

    `validation` is the share of each class's images that is held out where the set has no validation images.

    Raises an InputError that names every fault of the tree: it does not have this layout, classes lack images in a
    subset, ...
    """
    table, problems = list_images(layout, root, validation)
    if problems.faults:
        raise InputError("\n".join(f"{root}: {fault}" for fault in problems.faults))
    for subset, images in count_images(table).sum().items():
        log.info("%d images in %s", images, subset)
    return table


def list_images(layout: str, root: Path, validation: float | None = None) -> tuple[pd.DataFrame, Problems]:
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
        table = _with_subsets(table, validation, faults)
        faults += _too_few(table, layout)
    faults += _unprintable(table)
    # Numbers at the end of names are sorted as text: the order only has to be the same on every machine.
    faults[:] = dict.fromkeys(faults)
    return table.sort_values(["subset", "wnid", "path"], ignore_index=True), problems


def count_images(table: pd.DataFrame) -> pd.DataFrame:
    """Return the number of images per class and subset: columns train, val; index wnid, sorted."""
    counts = table.groupby(["wnid", "subset"]).size().unstack(fill_value=0)
    return counts.reindex(columns=["train", "val"], fill_value=0).rename_axis(columns=None)


def _with_subsets(table: pd.DataFrame, validation: float | None, faults: list[str]) -> pd.DataFrame:
    """Assign images to subsets where the set does not, and note the classes that lack images in one."""
    if (table["subset"] == "").any():
        if validation is not None:
            log.info("the set has no validation images: a share of %g of each class is held out", validation)
            return hold_out(table, validation, faults)
        faults.append(
            "no validation images; add a folder val (in layout table a column subset), or hold out a share of each "
            "class by config key dataset.validation, e.g. 0.2"
        )
        return table.assign(subset="train")
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
