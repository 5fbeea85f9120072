"""What a person reads while a study runs: a line per finished network, and at the end what failed or how to resume.

`Run` turns what Snakemake reports of its jobs into lines. The logger plugin (workflow/snakemake_logger_plugin_plain)
feeds it and writes the lines.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transferability.common.errors import counted
from transferability.runtime.logs import last_error

LISTED = 10  # failed jobs that the end names
SHOWN = 4  # lines of one job's error that the end shows


def step_of(log: Path) -> str:
    """Return what a log is of: a network in the paper's notation, random-0/A3B+, or another step, split random-0."""
    folder, _, name = str(log.with_suffix("")).rpartition("logs/")
    if name.startswith("train/"):
        return name.removeprefix("train/")
    words = ["paper", name] if Path(folder).name == "paper" else [name]  # made from the paper's accuracies
    return " ".join(words).replace("/", " ").replace("_", " ")


@dataclass(frozen=True)
class Job:
    """One job of Snakemake's; `accuracy` is the accuracy file that it makes, if it trains a network."""

    name: str
    log: Path | None = None
    accuracy: Path | None = None


@dataclass(frozen=True)
class Failure:
    """Why a network or another step ("split random-0") failed, as its log ends; `log` is "" where there is none."""

    step: str
    error: str
    log: str

    def lines(self) -> list[str]:
        """The error with its step and log; the first line says it all where an error has only one."""
        first, *more = self.error.splitlines()
        said = first if first.startswith(self.step) else f"{self.step}: {first}"  # many errors begin with the name
        if len(more) > SHOWN:
            more = [*more[:SHOWN], f"  and {len(more) - SHOWN} more lines in the log"]
        return [f"{said} (log: {self.log})" if self.log else said, *more]


class Run:
    """The state of one run of Snakemake, and what to say of it. Times are in seconds, of any clock."""

    def __init__(self):
        self.stopped = False
        self.failed: dict[int, Failure] = {}
        self.errors: list[str] = []  # of Snakemake, since the first job has started
        self.jobs: dict[int, Job] = {}  # that have started
        self._training: dict[int, float] = {}  # when each that runs began
        self._at_a_time = self._finished = self._done = self._networks = 0  # at most; by this run; of all; in all
        self._worked = 0.0  # how long those took that this run has finished
        self._scrolled = False  # whether failures were said in part, or other lines came after them

    def plan(self, due: int, networks: int) -> None:
        """`due` networks are to be trained of the `networks` that were asked for, besides those of earlier calls."""
        self._done += networks - due
        self._networks += networks

    def start(self, number: int, job: Job, now: float) -> str:
        """A job starts: return what to say, or ""."""
        self.jobs[number] = job
        again = self.failed.pop(number, None)
        self._scrolled |= bool(self.failed or again)
        if not job.accuracy:
            return job.name
        self._training[number] = now
        self._at_a_time = max(self._at_a_time, len(self._training))
        return f"tries again: {job.name}" if again else ""

    def finish(self, number: int, now: float) -> str:
        """A job has finished: return what to say, or ""."""
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
        """A job has failed: return what to say, or "" once the run was asked to stop. `reason` is Snakemake's."""
        job = self.jobs.get(number, Job(f"job {number}"))  # one that failed before it started
        self._training.pop(number, None)
        error = (job.log and last_error(job.log)) or reason or "ended without an error in its log; was it killed?"
        self.stopped |= any(f"stopped by {cause}" in error for cause in ("SIGINT", "Ctrl-C"))  # its job heard it first
        if self.stopped:
            return ""
        failure = self.failed[number] = Failure(job.name, error, str(job.log or ""))
        first, *more = failure.lines()
        self._scrolled |= bool(more)
        return f"failed: {first}"

    def end(self) -> list[str]:
        """Return what a run that did not make everything ends with; nothing otherwise.

        Failures are listed again, unless they stand whole in the last lines.
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
    """A time to wait, as precise as an estimate deserves: 40 s, 4 min, 5 h, 3 days."""
    for unit, size, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{max(1, round(seconds / size))} {unit}"
    return f"{seconds / 86400:.0f} days"
