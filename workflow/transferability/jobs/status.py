"""What of a study is done, runs, failed or waits: transferability-status [results directory], also while it runs.

Reads the list of networks that the workflow left, which files there are, and the small progress files of running jobs.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, remedy
from transferability.common.logs import last_error
from transferability.study.network import Network
from transferability.study.paths import accuracy_file, progress_file, training_log

SILENT = 120.0  # seconds without a sign of life after which a job counts as gone
STATES = ["done", "running", "failed", "waiting"]


def write_networks(results: Path, networks: Iterable[Network]) -> None:
    """Leave the list of a study's networks in its results directory, for `study_status`."""
    results.mkdir(parents=True, exist_ok=True)
    rows = [(network.split, network.name, network.treatment) for network in networks]
    write_text(
        results / "networks.csv", pd.DataFrame(rows, columns=["split", "network", "treatment"]).to_csv(index=False)
    )


def study_status(results: Path, now: float) -> pd.DataFrame:
    """Return one row per network: split, network, treatment, state (STATES), in words detail, and share trained (0..1).

    `now` is in seconds since the epoch. Raises InputError if no workflow has run in the results directory.
    """
    try:
        networks = pd.read_csv(results / "networks.csv")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{results}: no study has run here ({error}); give its results directory") from error
    except OSError as error:
        raise InputError(f"{error}; {remedy(error)}") from error
    found = [_state(results, row.split, row.network, now) for row in networks.itertuples()]
    return networks.join(pd.DataFrame(found, columns=["state", "detail", "share"], index=networks.index))


def _state(results: Path, split: str, network: str, now: float) -> tuple[str, str, float]:
    if accuracy_file(results, split, network).exists():
        return "done", "", 1.0
    progress = read_progress(results, split, network)
    share = progress["iteration"] / progress["iterations"] if progress and "iterations" in progress else 0.0
    if progress and now - progress["written"] < SILENT:
        return "running", _running(progress), share
    error = last_error(training_log(results, split, network)).partition("\n")[0]
    if progress:
        silent = f"no sign of life for {(now - progress['written']) / 60:.0f} min, at {share:.0%}"
        return "failed", error or silent, share
    return ("failed" if error else "waiting"), error, share


def read_progress(results: Path, split: str, network: str) -> dict | None:
    """Return what a network's job tells of itself (`progress.Progress`), or None if there is nothing."""
    try:
        return dict(json.loads(progress_file(results, split, network).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _running(progress: Mapping) -> str:
    if "iterations" not in progress:
        return f"{progress['doing']}, on {progress['host']}"
    share = progress["iteration"] / progress["iterations"]
    minutes, seconds = divmod(progress["seconds_left"], 60)
    left = f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d} left"
    where = f"on {progress['host']}, {progress['device']}"
    return f"{share:.0%}, {progress['images_per_s']:,.0f} images/s, {left}, {where}"


def main() -> None:
    """Print the sums by treatment, then every network that runs or failed."""
    parser = argparse.ArgumentParser(prog="transferability-status", description=__doc__)
    parser.add_argument("results", nargs="?", default="results", type=Path, help="results directory (default: results)")
    try:
        status = study_status(parser.parse_args().results, time.time())
    except InputError as error:
        raise SystemExit(f"error: {error}") from error
    sums = pd.crosstab(status["treatment"], status["state"], margins=True, margins_name="all")
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not have every letter
    print(sums.reindex(columns=[*STATES, "all"], fill_value=0).to_string())
    for state in ("running", "failed"):
        rows = status[status["state"] == state]
        if len(rows):
            print(f"\n{state}:")
            print("\n".join(f"  {row.split}/{row.network}: {row.detail}" for row in rows.itertuples()))
