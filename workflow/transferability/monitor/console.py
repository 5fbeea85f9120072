"""The console of a running study: a line per finished network, and at the end the failures or how to resume.

`Run` turns what Snakemake reports of its jobs into lines. The logger plugin (workflow/snakemake_logger_plugin_plain)
feeds it and writes the lines.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transferability.common.errors import counted
from transferability.runtime.logs import last_error

LISTED = 10  # failed jobs that are listed at the end
SHOWN = 4  # lines that are shown of one job's error


def step_of(log: Path) -> str:
    """Return the step that wrote a log: a network in the paper's notation (random-0/A3B+), or "split random-0"."""
    folder, _, name = str(log.with_suffix("")).rpartition("logs/")
    if name.startswith("train/"):
        return name.removeprefix("train/")
    words = ["paper", name] if Path(folder).name == "paper" else [name]  # made from the paper's accuracies
    return " ".join(words).replace("/", " ").replace("_", " ")


@dataclass(frozen=True)
class Job:
    """A job of Snakemake. `accuracy` is the accuracy file that it makes, if it trains a network."""

    name: str
    log: Path | None = None
    accuracy: Path | None = None


@dataclass(frozen=True)
class Failure:
    """The failure of a network or another step ("split random-0"), with the error in its log; `log` may be ""."""

    step: str
    error: str
    log: str

    def lines(self) -> list[str]:
        """The error with its step and log, in one line or several."""
        first, *more = self.error.splitlines()
        said = first if first.startswith(self.step) else f"{self.step}: {first}"  # many errors begin with the name
        if len(more) > SHOWN:
            more = [*more[:SHOWN], f"  and {len(more) - SHOWN} more lines in the log"]
        return [f"{said} (log: {self.log})" if self.log else said, *more]


class Run:
    """The state of one run of Snakemake, and the lines to print about it. Times are in seconds, of any clock."""

    def __init__(self):
        self.stopped = False
        self.failed: dict[int, Failure] = {}
        self.errors: list[str] = []  # Snakemake's errors since the first job started
        self.jobs: dict[int, Job] = {}  # started jobs
        self._training: dict[int, float] = {}  # start time of each running training job
        # Networks: most trained at a time, finished by this run, done in total, and all.
        self._at_a_time = self._finished = self._done = self._networks = 0
        self._worked = 0.0  # seconds that the networks finished by this run took in total
        self._scrolled = False  # whether failures were shown in part, or are followed by other lines

    def plan(self, due: int, networks: int) -> None:
        """Add `networks` requested networks, of which `due` have to be trained, to those of earlier calls."""
        self._done += networks - due
        self._networks += networks

    def start(self, number: int, job: Job, now: float) -> str:
        """Record the start of a job; return the line to print, or ""."""
        self.jobs[number] = job
        again = self.failed.pop(number, None)
        self._scrolled |= bool(self.failed or again)
        if not job.accuracy:
            return job.name
        self._training[number] = now
        self._at_a_time = max(self._at_a_time, len(self._training))
        return f"trying again: {job.name}" if again else ""

    def finish(self, number: int, now: float) -> str:
        """Record the end of a job; return the line to print, or ""."""
        if (began := self._training.pop(number, None)) is None:
            return ""
        self._worked += now - began
        self._finished += 1
        self._done += 1
        self._scrolled |= bool(self.failed)
        job = self.jobs[number]
        line = f"[{self._done}/{self._networks}] {job.name}"
        with suppress(OSError, ValueError, KeyError, TypeError):
            line += f" {100 * json.loads(job.accuracy.read_text(encoding='utf-8'))['top1']:.1f} %"
        remaining = (self._networks - self._done) / self._at_a_time
        return line + (f", about {in_words(self._worked / self._finished * remaining)} left" if remaining else "")

    def fail(self, number: int, reason: str = "") -> str:
        """Record the failure of a job; return the line to print, or "" if the run is stopping.

        `reason` is the error that Snakemake reports.
        """
        job = self.jobs.get(number, Job(f"job {number}"))  # a job may fail before it starts
        self._training.pop(number, None)
        error = (job.log and last_error(job.log)) or reason or "ended without an error in its log; was it killed?"
        self.stopped |= any(f"stopped by {cause}" in error for cause in ("SIGINT", "Ctrl-C"))  # before Snakemake
        if self.stopped:
            return ""
        failure = self.failed[number] = Failure(job.name, error, str(job.log or ""))
        first, *more = failure.lines()
        self._scrolled |= bool(more)
        return f"failed: {first}"

    def end(self) -> list[str]:
        """Return the last lines of an incomplete run; none if everything was made.

        Failures are listed again, unless the last lines already show them in full.
        """
        lines = []
        if self.failed and self._scrolled:
            lines += ["", f"{counted(len(self.failed), 'job')} failed:"]
            for failure in list(self.failed.values())[:LISTED]:
                lines += [f"  {line}" for line in failure.lines()]
            if len(self.failed) > LISTED:
                lines.append(f"  and {len(self.failed) - LISTED} more: transferability-status lists all networks")
        lines += self.errors
        if self.stopped or self.failed or lines:
            share = f"{self._done} of {self._networks} networks are done; " if self._networks else ""
            then = "run the same command again to resume"
            lines.append(f"stopped: {share}{then}" if self.stopped else f"{share}fix this, then {then}")
        return lines


def in_words(seconds: float) -> str:
    """Return a duration, rounded to the precision of an estimate: 40 s, 4 min, 5 h, 3 days."""
    for unit, size, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{max(1, round(seconds / size))} {unit}"
    return f"{seconds / 86400:.0f} days"
