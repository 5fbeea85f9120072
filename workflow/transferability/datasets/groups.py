"""Images that belong together: those of one group (config key dataset.group), and copies of one file."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pandas as pd

from transferability.common.errors import some_of
from transferability.datasets.formats import FORMATS
from transferability.datasets.formats.table import column_of
from transferability.datasets.image_files import ImageFiles


def groups_of(layout: str, root: Path, table: pd.DataFrame, group: str, faults: list[str]) -> pd.Series:
    """Return the group of each image of a list (path, wnid); add a fault to `faults` for images without one.

    `group` is the name of a column for layout table, else a regular expression, of which the first part in parentheses
    is the group (all that it matches, if there is none).
    """
    if FORMATS[layout].is_file:
        found = table["path"].map(column_of(root, group, faults))
    else:
        found = table["path"].map(lambda path: _found(re.search(group, path)))
    if not faults and len(without := table["path"][found.fillna("") == ""]):
        faults.append(
            f"config key dataset.group: {len(without)} of {len(table)} images have no group by {group!a}: "
            f"{some_of(without.tolist())}; give every image one"
        )
    return found.fillna("")


def _found(match: re.Match | None) -> str:
    return match[1 if match.re.groups else 0] or "" if match else ""


def divided_groups(table: pd.DataFrame) -> list[str]:
    """Return a fault if groups of a list of images (path, wnid, subset, maybe group) are in two subsets."""
    if "group" not in table:
        return []
    subsets = table.groupby("group")["subset"].nunique()
    if not (divided := subsets.index[subsets > 1].tolist()):
        return []
    return [
        f"config key dataset.group: {len(divided)} of {len(subsets)} groups are in both training and validation: "
        f"{some_of(divided)}; move each to one side, or put all images of a class into one folder, with dataset.folds"
    ]


def belonging_together(table: pd.DataFrame, files: ImageFiles) -> pd.Series:
    """Return a number for each image of a list, the same for images of one group or with the same content.

    `files` are the images of the list, in its order. Files are read only if several have the same size.
    """
    images = nx.Graph()
    images.add_nodes_from(range(len(table)))
    images.add_edges_from((row, f"content {digest}") for row, digest in _repeated_content(files))
    if "group" in table:
        images.add_edges_from((row, f"group {group}") for row, group in enumerate(table["group"]))
    number = {node: number for number, part in enumerate(nx.connected_components(images)) for node in part}
    return pd.Series([number[row] for row in range(len(table))], index=table.index)


def with_groups(table: pd.DataFrame, together: pd.Series) -> pd.DataFrame:
    """Return a list of images with a column group, if any belong together: its name, or the path of the first one."""
    if not together.duplicated().any():
        return table.drop(columns="group", errors="ignore")
    names = table["group"] if "group" in table else table["path"]
    return table.assign(group=names.groupby(together).transform("min"))


def _repeated_content(files: ImageFiles) -> Iterator[tuple[int, str]]:
    """Yield row and checksum of each file whose size another file shares."""
    sizes = pd.Series([files.size(row) for row in range(len(files.paths))])
    for row in sizes.index[sizes.duplicated(keep=False)]:
        try:
            yield int(row), hashlib.sha256(files.read(int(row))).hexdigest()
        except OSError:  # packing reports it
            continue
