"""The command transferability-status: which networks of a study are done, running, stopped, failed or waiting."""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from transferability.common.errors import InputError
from transferability.jobs.accuracy_file import read_record, worse_than_guessing
from transferability.jobs.provenance import read_provenance
from transferability.jobs.study_list import read_networks
from transferability.monitor.console import Failure, in_words, step_of
from transferability.runtime.logs import last_error, printable
from transferability.runtime.progress import read_progress
from transferability.study.files import Results

STATES = ["done", "running", "stopped", "failed", "waiting"]
COLUMNS = ["split", "network", "treatment", "state", "detail", "requested", "share", "seconds_left"]  # of the report
SILENT = 120.0  # seconds without an update of its progress file after which a job counts as dead
STOPPED = re.compile(r"(\S+: )?stopped (by|before) ")  # messages of StoppedError and Ctrl-C

HELP = """Report how far a study is: how many of its networks are done, running, stopped, failed or waiting.

  done     its accuracy file exists; listed as doubtful if its last validation loss is above the loss of guessing
  running  its job reported progress within the last two minutes: progress, speed, time left
  stopped  by Ctrl-C, a signal or the end of its walltime; the same command resumes it
  failed   its log ends with an error, or its job stopped reporting; also other steps (index, split, pack, import,
           figures)
  waiting  not started yet, or not requested by the last run of snakemake

The command only reads files. You can run it at any time, on any machine that can read the directory."""


def study_status(results: Path, now: float) -> pd.DataFrame:
    """Return a table with one row per network.

    The columns are split, network, treatment, requested (whether the last run of snakemake was to make it), state (one
    of STATES), detail (text), share trained (0 to 1), seconds_left (NaN unless it is running), and seconds, the
    duration of the whole training (NaN if unknown). `now` is in seconds since the epoch. Raises InputError if no
    workflow has run in the results directory.
    """
    networks = read_networks(results)
    found = [_state(Results(results), row.split, row.network, now) for row in networks.itertuples()]
    columns = ["state", "detail", "share", "seconds_left", "seconds"]
    status = networks.join(pd.DataFrame(found, columns=columns, index=networks.index))
    idle = (status["state"] == "waiting") & ~status["requested"]
    status["detail"] = status["detail"].mask(idle, "not requested by the last run")
    return status.astype({"seconds_left": float, "seconds": float})


def _state(results: Results, split: str, network: str, now: float) -> dict:
    accuracy = results.accuracy(split, network)
    if accuracy.exists():
        done = {"state": "done", "detail": "", "share": 1.0}
        with suppress(InputError, OSError):  # a damaged file is reported when it is used
            done["detail"] = worse_than_guessing(read_record(accuracy))
        with suppress(InputError, OSError):
            times = read_provenance(results.provenance(split, network))
            done["seconds"] = None if times["resumed_at_iteration"] else times["seconds"]
        return done
    progress = read_progress(results, split, network) or {}
    share = progress.get("iteration", 0) / progress.get("iterations", 1)
    silent = now - progress.get("written", now)
    if progress and silent < SILENT:
        running = {"state": "running", "detail": _running(progress, share), "share": share}
        if left := progress.get("seconds_left"):
            running |= {"seconds_left": left, "seconds": left / max(1 - share, 0.01)}
        return running
    error = last_error(results.training_log(split, network)).partition("\n")[0]
    if progress and not error:
        error = f"no progress reported for {silent / 60:.0f} min, at {100 * share:.0f} %"
    state = "waiting" if not error else "stopped" if STOPPED.match(error) else "failed"
    return {"state": state, "detail": error, "share": share}


def _running(progress: Mapping, share: float) -> str:
    if "iterations" not in progress:
        return f"{progress['doing']}, on {progress['host']}"
    speed, left = f"{progress['images_per_s']:,.0f} images/s", timedelta(seconds=progress["seconds_left"])
    return f"{100 * share:.0f} %, {speed}, {left} left, on {progress['host']}, {progress['device']}"


def failed_steps(results: Path) -> list[Failure]:
    """Return the failed steps other than trainings: their logs end with an error. Snakemake deletes old logs itself."""
    places = [results / "logs", results / "paper" / "logs"]
    logs = sorted(log for place in places for log in place.rglob("*.log") if not log.is_relative_to(place / "train"))
    errors = {log: last_error(log) for log in logs}
    return [
        Failure(step_of(log), error, str(log)) for log, error in errors.items() if error and not STOPPED.match(error)
    ]


def seconds_left(status: pd.DataFrame) -> float | None:
    """Estimate the seconds until the requested networks of a `study_status` are done; None if none is running.

    The estimate assumes that as many networks are trained at a time as now, and that waiting networks take as long as
    others of their treatment.
    """
    if status["seconds_left"].isna().all():
        return None
    usual = status.groupby("treatment")["seconds"].transform("mean").fillna(status["seconds"].mean())
    due = status["requested"] & status["state"].isin(["waiting", "stopped"])
    left = status["seconds_left"].mask(due, usual * (1 - status["share"])).sum()
    return float(left) / (status["state"] == "running").sum()  # including networks that have just begun


def read_report(results: Path, now: float) -> dict:
    """Return the progress of a study as JSON; docs/results.md lists the keys. `now` and errors as in `study_status`."""
    status = study_status(results, now)
    left = seconds_left(status)
    counts = pd.crosstab(status["treatment"], status["state"]).reindex(columns=STATES, fill_value=0)
    idle = (status["state"] == "waiting") & ~status["requested"]
    counts["not_requested"] = idle.groupby(status["treatment"]).sum()
    networks = status[COLUMNS].round({"share": 4, "seconds_left": 0}).astype({"seconds_left": "Int64"})
    return {
        "results": str(results),
        "time": _utc(now),
        "expected_end": None if left is None else _utc(now + left),
        "seconds_left": None if left is None else round(left),
        "counts": {state: int(count) for state, count in counts.sum().items()},
        "treatments": counts.to_dict("index"),
        "failures": [asdict(failure) for failure in failed_steps(results)],
        "networks": json.loads(networks.to_json(orient="records")),
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def page(report: Mapping) -> str:
    """Return a report as text: sums by treatment, the expected end, running, stopped, failed and doubtful networks."""
    sums = pd.DataFrame.from_dict({**report["treatments"], "all": report["counts"]}, orient="index")[STATES]
    table = sums.assign(all=sums.sum(axis=1)).rename_axis(index="treatment", columns="state").to_string()
    return "\n".join([*(printable(line) for line in table.split("\n")), *_below(report)])


def _below(report: Mapping) -> Iterator[str]:
    if idle := report["counts"]["not_requested"]:
        yield f"\nnot requested by the last run: {idle} of the waiting networks"
    if report["expected_end"]:
        end = datetime.fromisoformat(report["expected_end"]).astimezone()
        yield f"\nabout {in_words(report['seconds_left'])} left, until {end:%Y-%m-%d %H:%M}"
    found = {"running": [], "stopped": [], "failed": [], "doubtful": []}
    found["failed"] += [Failure(**failure).lines()[0] for failure in report["failures"]]
    for one in report["networks"]:
        state = "doubtful" if one["state"] == "done" and one["detail"] else one["state"]
        if state in found:
            found[state].append(f"{one['split']}/{one['network']}: {one['detail']}")
    for state, lines in found.items():
        if lines:
            yield "\n".join([f"\n{state}:", *(f"  {printable(line)}" for line in lines)])


def main() -> None:
    """Print the sums by treatment, then every running, stopped or failed network; or JSON."""
    parser = argparse.ArgumentParser(
        prog="transferability-status", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", nargs="?", default="results", type=Path, help="results directory (default: results)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs; docs/results.md lists the keys")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not support every character
    try:
        report = read_report(arguments.results, time.time())
        print(json.dumps(report, indent=1) if arguments.json else page(report), flush=True)
    except BrokenPipeError:  # for example `| head`; Python would flush the rest at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (InputError, OSError) as error:
        raise SystemExit(printable(f"error: {error}")) from error
