"""Reading the tables that rules hand on, with a readable error for a damaged one."""

from pathlib import Path

import pandas as pd

from transferability.errors import InputError


def read_index(path: Path) -> pd.DataFrame:
    """Read the table that `layouts.index_images` gave; raise InputError if the file is no such table."""
    return read_table(path, ["path", "wnid", "subset"])


def read_table(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV file of text columns; raise InputError if it is damaged or lacks one of them."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)[columns]
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it and run again") from error


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest (label, wnid, name); raise InputError if it is damaged or its labels are not 0, 1, ..."""
    table = read_table(path, ["label", "wnid", "name"])
    if table["label"].tolist() != [str(label) for label in range(len(table))]:
        raise InputError(
            f"{path} is damaged: its labels are not 0 to {len(table) - 1} in order; delete it and run again"
        )
    return table.astype({"label": int})
