"""What of a study is done, runs, was stopped, failed or waits: transferability-status, also while it runs.

Reads the list of networks that the workflow left, which files there are, the small progress files of running jobs, and
how logs end.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import pandas as pd

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, remedy, some_of
from transferability.common.logs import last_error, printable
from transferability.jobs.accuracy_file import read_record, worse_than_guessing
from transferability.jobs.console import Failure
from transferability.jobs.provenance import read_provenance
from transferability.jobs.status_pages import Report, as_json, bars, plain_page
from transferability.study.network import Network
from transferability.study.paths import accuracy_file, progress_file, provenance_file, training_log

SILENT = 120.0  # seconds without a sign of life after which a job counts as gone
EVERY = 3.0  # seconds between two looks of --watch
STOPPED = re.compile(r"(\S+: )?stopped (by|before) ")  # what a StoppedError says, and Ctrl-C
UNREQUESTED = "not requested by the last run"
LIST = "networks.csv"  # in a results directory, what a study consists of
DEEP, NAMED = 3, 10  # how far below a directory studies are looked for, and how many of them an error names

HELP = """Report how far a study is: how many of its networks are done, running, stopped, failed or waiting.

  done     its accuracy file is there; listed as doubtful if its last validation loss is above that of guessing
  running  its job gave a sign of life within two minutes: progress, speed, time left
  stopped  by Ctrl-C, a signal or the end of its walltime; the same command resumes it
  failed   its log ends with an error, or its job is silent; other steps (index, split, pack, import, figures) too
  waiting  its turn has not come, or the last run of snakemake was not asked for it

It only reads, and can be called on any machine that sees the directory, while snakemake runs or not."""


def write_networks(
    results: Path, networks: Iterable[Network], requested: Collection[Network], controls: Collection[tuple[str, str]]
) -> None:
    """Leave the list of a study's networks in its results directory: which were asked for, and which are `controls`."""
    results.mkdir(parents=True, exist_ok=True)
    rows = [
        (one.split, one.name, one.treatment, (one.split, one.name) in controls, one in requested) for one in networks
    ]
    table = pd.DataFrame(rows, columns=["split", "network", "treatment", "control", "requested"])
    write_text(results / LIST, table.to_csv(index=False))


def read_networks(results: Path) -> pd.DataFrame:
    """Read the list that `write_networks` left; InputError if no workflow has run in the results directory."""
    try:
        return pd.read_csv(results / LIST)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = some_of([str(study) for study in studies_near(results)], NAMED)
        instead = f"give the directory of one: {near}" if near else "give a study's results directory"
        raise InputError(f"{results}: no study has run here; {instead}") from error
    except OSError as error:
        raise InputError(f"{error}; {remedy(error)}") from error


def studies_near(place: Path) -> list[Path]:
    """Return the directories of studies below a directory, DEEP at most, or above it."""
    there = next(directory for directory in (place, *place.absolute().parents) if directory.is_dir())
    below = [list_.parent for depth in range(1, DEEP + 1) for list_ in sorted(there.glob("*/" * depth + LIST))]
    return below or [directory for directory in there.absolute().parents if (directory / LIST).is_file()]


def study_status(results: Path, now: float) -> pd.DataFrame:
    """Return one row per network: split, network, treatment, whether the last run of snakemake was asked for it
    (requested), state (STATES), in words detail, share trained (0..1), and seconds_left where it trains (else NaN).

    `now` is in seconds since the epoch. Raises InputError if no workflow has run in the results directory.
    """
    networks = read_networks(results)
    found = [_state(results, row.split, row.network, now) for row in networks.itertuples()]
    columns = ["state", "detail", "share", "seconds_left"]
    status = networks.join(pd.DataFrame(found, columns=columns, index=networks.index))
    status["detail"] = status["detail"].mask((status["state"] == "waiting") & ~status["requested"], UNREQUESTED)
    return status


def _state(results: Path, split: str, network: str, now: float) -> tuple[str, str, float, float | None]:
    accuracy = accuracy_file(results, split, network)
    if accuracy.exists():
        doubt = ""
        with suppress(InputError, OSError):  # a damaged file is reported where it is used
            doubt = worse_than_guessing(read_record(accuracy))
        return "done", doubt, 1.0, None
    progress = read_progress(results, split, network)
    share = progress["iteration"] / progress["iterations"] if progress and "iterations" in progress else 0.0
    if progress and now - progress["written"] < SILENT:
        return "running", _running(progress, share), share, progress.get("seconds_left")
    error = last_error(training_log(results, split, network)).partition("\n")[0]
    if STOPPED.match(error):
        return "stopped", error, share, None
    if progress:
        silent = f"no sign of life for {(now - progress['written']) / 60:.0f} min, at {100 * share:.0f} %"
        return "failed", error or silent, share, None
    return ("failed" if error else "waiting"), error, share, None


def read_progress(results: Path, split: str, network: str) -> dict | None:
    """Return what a network's job reports of itself (`progress.Progress`), or None if there is nothing."""
    try:
        return dict(json.loads(progress_file(results, split, network).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _running(progress: Mapping, share: float) -> str:
    if "iterations" not in progress:
        return f"{progress['doing']}, on {progress['host']}"
    speed, left = f"{progress['images_per_s']:,.0f} images/s", timedelta(seconds=progress["seconds_left"])
    return f"{100 * share:.0f} %, {speed}, {left} left, on {progress['host']}, {progress['device']}"


def failed_steps(results: Path) -> list[Failure]:
    """Return the steps other than trainings whose logs end with an error; Snakemake deletes a log when a job starts."""
    logs = results / "logs"
    found = []
    for log in sorted(logs.rglob("*.log")):
        step = log.relative_to(logs).with_suffix("").parts
        error = last_error(log) if step[0] != "train" else ""
        if error and not STOPPED.match(error):
            found.append(Failure(" ".join(step), error, str(log)))
    return found


def seconds_left(results: Path, status: pd.DataFrame) -> float | None:
    """Estimate how long the networks of a `study_status` will take that were asked for, in seconds.

    As many are trained at a time as now, and those that wait take as long as finished ones of their treatment did.
    None where none is trained, or where nothing says how long one takes.
    """
    running = status[(status["state"] == "running") & status["seconds_left"].notna()]
    if running.empty:
        return None
    took = running["seconds_left"] / (1 - running["share"]).clip(lower=0.01)  # at least, until some are finished
    usual = _times(results, status)
    if usual.empty:
        usual = took.groupby(running["treatment"]).mean()
    due = status[status["requested"] & status["state"].isin(["waiting", "stopped"])]
    waiting = due["treatment"].map(usual).fillna(usual.mean()) * (1 - due["share"])
    at_a_time = (status["state"] == "running").sum()  # those that have just begun, or end, say nothing of their time
    return float(running["seconds_left"].sum() + waiting.sum()) / at_a_time


def _times(results: Path, status: pd.DataFrame) -> pd.Series:
    """Mean seconds that a network of each treatment took, of those that were trained in one go."""
    times = []
    for row in status[status["state"] == "done"].itertuples():
        with suppress(OSError, InputError, KeyError):
            told = read_provenance(provenance_file(results, row.split, row.network))
            if not told["resumed_at_iteration"]:
                times.append((row.treatment, told["seconds"]))
    return pd.DataFrame(times, columns=["treatment", "seconds"]).groupby("treatment")["seconds"].mean()


def read_report(results: Path, now: float) -> Report:
    """Return how far a study is, for the pages; `now` and errors as for `study_status`."""
    status = study_status(results, now)
    return Report(results, now, status, failed_steps(results), seconds_left(results, status))


def watch(results: Path, stream: TextIO) -> None:
    """Show bars on a terminal until all is done; elsewhere print the page whenever a network changes its state."""
    from rich.console import Console
    from rich.live import Live

    moves, told = stream.isatty(), None
    with Live(console=Console(file=stream), auto_refresh=False) if moves else nullcontext() as live:
        while True:
            report = read_report(results, time.time())
            if moves:
                live.update(bars(report), refresh=True)
            elif told != (told := (report.sums().to_string(), report.failures)):
                print(plain_page(report), end="\n\n", file=stream, flush=True)
            if report.is_done:
                return
            time.sleep(EVERY)


def main() -> None:
    """Print the sums by treatment, then every network that runs, was stopped or failed; or as the options say."""
    parser = argparse.ArgumentParser(
        prog="transferability-status", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", default="results", type=Path, help="results directory (default: results)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="show bars and keep them up to date; Ctrl-C ends")
    how.add_argument("--json", action="store_true", help="print JSON for programs; docs/results.md lists the keys")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not have every letter
    try:
        if arguments.watch:
            watch(arguments.results, sys.stdout)
        else:
            report = read_report(arguments.results, time.time())
            print(json.dumps(as_json(report), indent=1) if arguments.json else plain_page(report), flush=True)
    except InputError as error:
        raise SystemExit(printable(f"error: {error}")) from error
    except BrokenPipeError:  # as `| head` leaves it; Python writes what is left at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        pass
