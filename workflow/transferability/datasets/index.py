"""The index of an image set: one row per image, and what is wrong with the set."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.datasets.formats import FORMATS


def index_images(layout: str, root: Path) -> pd.DataFrame:
    """List the images of a set: columns path, wnid, subset (train or val), sorted by subset, wnid, path.

    Raises InputError that names all that is wrong with the tree: it is not of this layout, classes lack images in a
    subset, ...
    """
    table, faults = list_images(layout, root)
    if faults:
        raise InputError("\n".join(f"{root}: {fault}" for fault in faults))
    return table


def list_images(layout: str, root: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of `index_images`, of what there is, and what is wrong with the tree, a sentence each."""
    if not root.is_dir():
        faults = [f"it is not a directory; config key dataset.root wants that of a set in {layout} layout"]
        return pd.DataFrame(columns=["path", "wnid", "subset"]), faults
    faults: list[str] = []
    table = pd.DataFrame(FORMATS[layout].images(root, faults), columns=["path", "wnid", "subset"])
    faults += _faults(table)
    if table.empty and not faults:
        faults.append(f"no images found in {layout} layout")
    # A numeric tail is sorted as text: the order only has to be the same on every machine.
    return table.sort_values(["subset", "wnid", "path"], ignore_index=True), faults


def count_images(table: pd.DataFrame) -> pd.DataFrame:
    """Return the number of images per class and subset: columns train, val, in the order of the wnids."""
    counts = table.groupby(["wnid", "subset"]).size().unstack(fill_value=0)
    return counts.reindex(columns=["train", "val"], fill_value=0).rename_axis(columns=None)


def _faults(table: pd.DataFrame) -> Iterator[str]:
    """Yield what is wrong with a listing, whatever the layout."""
    if unprintable := [path for path in table["path"] if not path.isprintable()]:
        yield f"{len(unprintable)} file names cannot be written down, e.g. {unprintable[0]!a}; rename them"
    counts = count_images(table)
    for subset in counts.columns:
        if missing := counts.index[counts[subset] == 0].tolist():
            yield (
                f"no {subset} images for {len(missing)} of {len(counts)} classes: {', '.join(missing)}; "
                "add them or remove the classes"
            )
