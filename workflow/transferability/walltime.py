"""When a batch system ends this job."""

import logging
import os
import re
import subprocess
import time

log = logging.getLogger(__name__)

SLURM_JOB = "SLURM_JOB_ID"
_LEFT = re.compile(r"(?:(?:(?P<days>\d+)-)?(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)")  # squeue's %L


def job_deadline(runtime: float) -> float:
    """Return when Slurm ends the job that this process is part of, in seconds of time.monotonic(); else infinity.

    Slurm gives a program no signal before it kills it. It is asked for the time that is left; where it does not
    answer, `runtime` counts, the minutes that the job asked for.
    """
    if SLURM_JOB not in os.environ:
        return float("inf")
    answer = _squeue("%L")
    if answer == "UNLIMITED":
        return float("inf")
    left = seconds_left(answer)
    if left is None:
        log.warning(
            "Slurm does not tell the walltime that is left (%r); its %g minutes count from now", answer, runtime
        )
        left = 60 * runtime
    return time.monotonic() + left


def job_is_ending() -> bool:
    """Whether Slurm is ending this job, which goes on for a while (KillWait) after scancel or its walltime.

    Whoever submitted it takes it for failed, and may delete its results, even if it completes them in this while.
    """
    return SLURM_JOB in os.environ and _squeue("%T") not in ("RUNNING", "")


def _squeue(what: str) -> str:
    command = ["squeue", "--noheader", "--job", os.environ[SLURM_JOB], "--format", what]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("Slurm does not answer: %s", error)
        return ""


def seconds_left(answer: str) -> int | None:
    """Read squeue's time left, "1-02:03:04", "2:03:04" or "3:04"; None if it is nothing of the kind."""
    if not (match := _LEFT.fullmatch(answer)):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.group("days", "hours", "minutes", "seconds"))
    return ((24 * days + hours) * 60 + minutes) * 60 + seconds
