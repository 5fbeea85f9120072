"""A table of where, when and how fast the networks of a study were trained."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError, some_of
from transferability.jobs.provenance import PACKAGES, read_provenance

NOT_KNOWN = "not known"  # for networks whose provenance file was lost, and for packages that are not installed

PROVENANCE_TEXT = """Trained networks by split, host, device and versions: their number, how many of them resumed from
the state of a job that was stopped, the hours of their last jobs, mean speed, first start and last end (UTC)."""


def provenance_table(files: Mapping[Path, str]) -> pd.DataFrame:
    """Summarise provenance files as PROVENANCE_TEXT describes; `files` maps each file to its network's mark.

    Raises InputError for a file that is damaged, or that belongs to another training run.
    """
    table = pd.DataFrame([{"split": file.parent.name, **read_provenance(file)} for file in files])
    if others := [str(file) for file, mark in zip(files, table["fingerprint"], strict=True) if mark != files[file]]:
        raise InputError(f"{some_of(others)} describe other training runs; delete them and run again")
    numbers = ["seconds", "images_per_s", "resumed_at_iteration"]
    table[numbers] = table[numbers].astype(float)
    table["started"] = pd.to_datetime(table["started"])
    table["ended"] = table["started"] + pd.to_timedelta(table["seconds"], unit="s")
    keys = ["split", "host", "device", "threads", "python", *PACKAGES]
    table[keys] = table[keys].astype(object).where(table[keys].notna(), NOT_KNOWN)
    summary = table.groupby(keys).agg(
        networks=("split", "size"),
        resumed=("resumed_at_iteration", lambda iterations: (iterations > 0).sum()),
        hours=("seconds", lambda seconds: seconds.sum() / 3600),
        images_per_s=("images_per_s", "mean"),
        first_start=("started", "min"),
        last_end=("ended", "max"),
    )
    times = {
        name: summary[name].dt.strftime("%Y-%m-%d %H:%M:%S").fillna(NOT_KNOWN) for name in ("first_start", "last_end")
    }
    return summary.assign(**times).reset_index()
