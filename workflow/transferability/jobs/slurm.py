"""What Slurm is asked for and asked to do: when it ends this job, and that jobs which nobody waits for should end."""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection
from getpass import getuser

from transferability.common.errors import InputError

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
    answer = _of_this_job(_ask("squeue", "--noheader", "--job", os.environ[SLURM_JOB], "--format", "%A %L"))
    if answer == "UNLIMITED":
        return float("inf")
    left = seconds_left(answer)
    if left is None:
        log.warning(
            "Slurm does not tell the walltime that is left (%r); its %g minutes count from now", answer, runtime
        )
        left = 60 * runtime
    log.info("Slurm ends this job in %d s", left)
    return time.monotonic() + left


def _of_this_job(answer: str) -> str:
    """What squeue says of this job: of an array it lists all tasks, whose own numbers come first."""
    lines = [line.split() for line in answer.splitlines()]
    return next((line[1] for line in lines if len(line) == 2 and line[0] == os.environ[SLURM_JOB]), "")


def check_slurm_answers() -> None:
    """Raise InputError where no Slurm answers: nothing that is submitted would ever run.

    What its plugin says then takes 40 s, and names neither the reason nor a remedy.
    """
    try:
        asked = subprocess.run(["sinfo", "--noheader"], capture_output=True, encoding="utf-8", timeout=30)
        if asked.returncode == 0:
            return
        reason = asked.stderr.strip().splitlines()[-1:]
    except OSError:
        reason = ["there is no program sinfo"]
    except subprocess.TimeoutExpired:
        reason = ["sinfo has not answered for 30 s"]
    raise InputError(
        f"no Slurm answers on this machine ({''.join(reason)}); go where sinfo lists partitions, such as a login node "
        "of your cluster, or leave out --profile slurm to train on this machine"
    )


def cancel_left_behind(jobs: Collection[str]) -> None:
    """Cancel those of these jobs that are still in the queue: the snakemake that submitted them is gone.

    Nobody would take their results. Jobs that are submitted again resume from the states that these saved.
    """
    if not jobs:
        return
    answer = _ask("squeue", "--user", getuser(), "--noheader", "--array", "--format", "%i %A")  # a task has two numbers
    queued = [line.split() for line in answer.splitlines()]
    if left := sorted(numbers[0] for numbers in queued if set(numbers) & set(jobs)):
        print(f"cancels {len(left)} Slurm jobs that a snakemake left behind here: {' '.join(left)}", file=sys.stderr)
        _ask("scancel", *left)


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("Slurm does not answer: %s", error)
        return ""


def seconds_left(answer: str) -> int | None:
    """Read squeue's time left, "1-02:03:04", "2:03:04" or "3:04"; None if it is nothing of the kind."""
    if not (match := _LEFT.fullmatch(answer)):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.group("days", "hours", "minutes", "seconds"))
    return ((24 * days + hours) * 60 + minutes) * 60 + seconds
