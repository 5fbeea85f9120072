"""What transferability-status shows: a page for people, bars that move on a terminal, and JSON for programs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from transferability.jobs.console import in_words

STATES = ["done", "running", "stopped", "failed", "waiting"]
SHOWN = ["running", "stopped", "failed", "doubtful"]  # what is listed network by network; doubtful ones are done
LISTED = 10  # networks of a state that are listed below bars


@dataclass(frozen=True)
class Failure:
    """A step that failed other than a training: its name ("split random-0"), the error, and the log that has it."""

    step: str
    error: str
    log: str

    def __str__(self) -> str:
        return f"{self.step}: {self.error.partition(chr(10))[0]} (log: {self.log})"


@dataclass(frozen=True)
class Report:
    """How far a study is at a time `now`, in seconds since the epoch.

    `networks` is the table of `status.study_status`. `seconds_left` says how long the networks will take that the last
    run of snakemake was asked for, None where none is trained at the moment.
    """

    results: Path
    now: float
    networks: pd.DataFrame
    failures: list[Failure]
    seconds_left: float | None

    @property
    def is_done(self) -> bool:
        """Whether all is done that the last run of snakemake was asked for."""
        requested = self.networks[self.networks["requested"]]
        return bool((requested["state"] == "done").all())

    def sums(self) -> pd.DataFrame:
        """The number of networks by treatment (a row each, the last is all) and state."""
        sums = pd.crosstab(self.networks["treatment"], self.networks["state"], margins=True, margins_name="all")
        return sums.reindex(columns=[*STATES, "all"], fill_value=0)

    def waiting_unrequested(self) -> pd.Series:
        """The number of networks by treatment that wait because the last run was not asked for them."""
        waits = (self.networks["state"] == "waiting") & ~self.networks["requested"]
        return self.networks[waits].groupby("treatment").size()


def plain_page(report: Report) -> str:
    """Return the sums by treatment, the expected end, and every network of a state that is SHOWN."""
    parts = [report.sums().to_string()]
    if notes := list(_notes(report)):
        parts.append("\n".join(notes))
    for state in SHOWN:
        if lines := _lines(report, state):
            parts.append("\n".join([f"{state}:", *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)


def _notes(report: Report) -> Iterator[str]:
    if unrequested := report.waiting_unrequested().sum():
        verb = "was" if unrequested == 1 else "were"
        yield f"{unrequested} of those waiting {verb} not requested by the last run"
    if report.seconds_left is not None:
        end = datetime.fromtimestamp(report.now + report.seconds_left).astimezone()
        yield f"about {in_words(report.seconds_left)} left, until {end:%Y-%m-%d %H:%M}"


def _lines(report: Report, state: str) -> list[str]:
    steps = [str(failure) for failure in report.failures] if state == "failed" else []
    networks = report.networks
    rows = networks[networks["state"] == ("done" if state == "doubtful" else state)]
    if state == "doubtful":
        rows = rows[rows["detail"] != ""]
    return steps + [f"{row.split}/{row.network}: {row.detail}" for row in rows.itertuples()]


def as_json(report: Report) -> dict:
    """Return what programs read; docs/results.md lists the keys."""
    sums, unrequested = report.sums(), report.waiting_unrequested()
    counts = {
        name: {state: int(row[state]) for state in STATES} | {"not_requested": int(unrequested.get(name, 0))}
        for name, row in sums.drop("all").iterrows()
    }
    totals = {key: sum(count[key] for count in counts.values()) for key in (*STATES, "not_requested")}
    left = report.seconds_left
    return {
        "results": str(report.results),
        "time": _utc(report.now),
        "expected_end": None if left is None else _utc(report.now + left),
        "seconds_left": None if left is None else round(left),
        "counts": totals,
        "treatments": counts,
        "failures": [asdict(failure) for failure in report.failures],
        "networks": [
            {
                **{key: row[key] for key in ("split", "network", "treatment", "state", "detail")},
                "requested": bool(row["requested"]),
                "share": round(float(row["share"]), 4),
                "seconds_left": None if pd.isna(row["seconds_left"]) else round(row["seconds_left"]),
            }
            for _, row in report.networks.iterrows()
        ],
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def bars(report: Report):
    """Return the page for a terminal, which rich draws: a bar for each treatment, which moves while networks train."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    sums = report.sums()
    shares = report.networks.groupby("treatment")["share"].sum()
    table = Table(box=None, show_header=False)
    for name, row in sums.iterrows():
        trained = shares.sum() if name == "all" else shares[name]
        words = ", ".join(f"{row[state]} {state}" for state in STATES[1:] if row[state])
        table.add_row(name, ProgressBar(row["all"], trained, width=30), f"{row['done']} of {row['all']}", words)
    lines = ["", *_notes(report)]
    for state in SHOWN:
        if found := _lines(report, state):
            lines += ["", f"{state}:", *(f"  {line}" for line in found[:LISTED])]
        if len(found) > LISTED:
            lines.append(f"  and {len(found) - LISTED} more")
    return Group(table, *(Text(line, overflow="ellipsis", no_wrap=True) for line in lines))
