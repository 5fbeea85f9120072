"""Tables passed from rule to rule: written with a checksum file; reading a damaged one raises a readable error."""

import hashlib
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from transferability.common.atomic_files import named, write_text
from transferability.common.errors import InputError

SHA256 = ".sha256"  # suffix of the file with a table's checksum, in the format of sha256sum


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, and next to it a file with its checksum and number of rows."""
    text = table.to_csv(index=False)
    write_text(path, text)
    rows = f"# {len(table)} rows of {', '.join(table.columns)}\n"  # a comment to sha256sum
    write_text(_beside(path), f"{_digest(text.encode())}  {path.name}\n{rows}")


def read_index(path: Path) -> pd.DataFrame:
    """Read the table that `index.index_images` returned: path, wnid, subset, and group if the study has groups.

    Raises InputError if it is damaged.
    """
    return read_checked(path, ["path", "wnid", "subset"], optional=["group"])


def read_groups(path: Path) -> pd.DataFrame:
    """Read path and group of each image of an index; an image that belongs to no group forms one of its own.

    Raises InputError if the index is damaged.
    """
    index = read_index(path)
    return index[["path"]].assign(group=index["group" if "group" in index else "path"])


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest (label, wnid, name), labels 0, 1, ... in order; raise InputError if it is damaged."""
    return read_checked(path, ["label", "wnid", "name"]).astype({"label": int})


def table_digest(path: Path) -> str:
    """Return the checksum that `write_table` stored next to a table (readers compare the two)."""
    return _beside(path).read_text(encoding="utf-8", errors="replace").partition(" ")[0]


def read_table(path: Path, columns: list[str], optional: Collection[str] = ()) -> pd.DataFrame:
    """Read text columns of a CSV file; raise InputError if it is damaged or lacks one that is not `optional`."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table[[*columns, *(name for name in optional if name in table)]]
    except (ValueError, KeyError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and run again") from error


def read_checked(path: Path, columns: list[str], optional: Collection[str] = ()) -> pd.DataFrame:
    """Read a table that `write_table` wrote, as `read_table` does; raise InputError if its checksum differs."""
    check_table(path)
    return read_table(path, columns, optional)


def check_table(path: Path) -> None:
    """Compare a table with its checksum: a truncated table could look like a complete one with fewer rows.

    Raises InputError if the table is damaged, OSError if it or its checksum cannot be read.
    """
    with named(path):
        digest = _digest(path.read_bytes())
    if table_digest(path) != digest:
        raise InputError(f"{path} is damaged (its checksum differs); delete it and run again")


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SHA256)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
