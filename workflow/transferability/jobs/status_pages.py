"""What transferability-status shows: a page for people, bars that move on a terminal, and JSON for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from transferability.common.logs import printable
from transferability.jobs.console import Failure, in_words

STATES = ["done", "running", "stopped", "failed", "waiting"]
SHOWN = ["running", "stopped", "failed", "doubtful"]  # what is listed network by network; doubtful ones are done
LISTED = 10  # networks of a state that are listed below bars
COLUMNS = ["split", "network", "treatment", "state", "detail", "requested", "share", "seconds_left"]  # of JSON


@dataclass(frozen=True)
class Report:
    """How far a study is at a time `now`, in seconds since the epoch.

    `networks` is the table of `status.study_status`, `failures` are steps that failed other than trainings.
    `seconds_left` says how long the networks will take that the last run of snakemake was asked for, None where none is
    trained at the moment.
    """

    results: Path
    now: float
    networks: pd.DataFrame
    failures: list[Failure]
    seconds_left: float | None

    @property
    def is_done(self) -> bool:
        """Whether all is done that the last run of snakemake was asked for."""
        return bool((self.networks["state"][self.networks["requested"]] == "done").all())

    def sums(self) -> pd.DataFrame:
        """The number of networks by treatment (a row each, the last is all) and state."""
        sums = pd.crosstab(self.networks["treatment"], self.networks["state"], margins=True, margins_name="all")
        return sums.reindex(columns=[*STATES, "all"], fill_value=0)

    def unrequested(self) -> pd.Series:
        """Whether a network waits because the last run was not asked for it."""
        return (self.networks["state"] == "waiting") & ~self.networks["requested"]


def plain_page(report: Report) -> str:
    """Return the sums by treatment, the expected end, and every network of a state that is SHOWN."""
    return "\n".join([printable(line) for line in report.sums().to_string().split("\n")] + list(_lines(report)))


def _lines(report: Report, at_most: int | None = None) -> Iterator[str]:
    """What stands below the sums; of each state `at_most` so many networks."""
    if unrequested := report.unrequested().sum():
        verb = "was" if unrequested == 1 else "were"
        yield f"\n{unrequested} of those waiting {verb} not requested by the last run"
    if report.seconds_left is not None:
        end = datetime.fromtimestamp(report.now + report.seconds_left).astimezone()
        yield f"\nabout {in_words(report.seconds_left)} left, until {end:%Y-%m-%d %H:%M}"
    networks = report.networks
    state = networks["state"].mask((networks["state"] == "done") & (networks["detail"] != ""), "doubtful")
    for shown in SHOWN:
        found = [failure.lines()[0] for failure in report.failures] if shown == "failed" else []
        found += [f"{row.split}/{row.network}: {row.detail}" for row in networks[state == shown].itertuples()]
        if found:
            yield f"\n{shown}:"
            yield from (f"  {printable(line)}" for line in found[:at_most])
        if at_most and len(found) > at_most:
            yield f"  and {len(found) - at_most} more"


def as_json(report: Report) -> dict:
    """Return what programs read; docs/results.md lists the keys."""
    unrequested = report.networks["treatment"][report.unrequested()].value_counts()
    counts = report.sums().drop(columns="all").assign(not_requested=unrequested).fillna(0).astype(int)
    counts.loc["all", "not_requested"] = unrequested.sum()
    treatments = counts.to_dict("index")
    left = report.seconds_left
    networks = report.networks[COLUMNS].round({"share": 4, "seconds_left": 0}).astype({"seconds_left": "Int64"})
    return {
        "results": str(report.results),
        "time": _utc(report.now),
        "expected_end": None if left is None else _utc(report.now + left),
        "seconds_left": None if left is None else round(left),
        "counts": treatments.pop("all"),
        "treatments": treatments,
        "failures": [asdict(failure) for failure in report.failures],
        "networks": json.loads(networks.to_json(orient="records")),
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def bars(report: Report):
    """Return the page for a terminal, which rich draws: a bar for each treatment, which moves while networks train."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    shares = report.networks.groupby("treatment")["share"].sum()
    table = Table(box=None, show_header=False)
    for name, row in report.sums().iterrows():
        bar = ProgressBar(row["all"], shares.sum() if name == "all" else shares[name], width=30)
        words = ", ".join(f"{row[state]} {state}" for state in STATES[1:] if row[state])
        table.add_row(Text(printable(name)), bar, f"{row['done']} of {row['all']}", words)
    return Group(table, Text("\n".join(_lines(report, LISTED)), overflow="ellipsis", no_wrap=True))
