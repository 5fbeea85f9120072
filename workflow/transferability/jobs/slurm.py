"""What Slurm says and is asked to do: when it ends this job, and that jobs which nobody waits for should end."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from getpass import getuser
from pathlib import Path

from transferability.common.errors import InputError

log = logging.getLogger(__name__)


def job_deadline(runtime: float) -> float:
    """Return when Slurm ends the job that this process is part of, in seconds of time.monotonic(); else infinity.

    Slurm gives a program no signal before it kills it. It is asked when it will; where it does not answer, `runtime`
    counts from now, the minutes that the job asked for.
    """
    if "SLURM_JOB_ID" not in os.environ:
        return float("inf")
    job, left = os.environ["SLURM_JOB_ID"], 60 * runtime
    try:  # of an array squeue lists all tasks
        rows = _ask("squeue", "--noheader", "--job", job, "--format", "%A %e").splitlines()
        left = datetime.fromisoformat(dict(row.split() for row in rows)[job]).timestamp() - time.time()
    except (InputError, ValueError, KeyError) as error:
        log.warning("Slurm does not tell when it ends this job (%r): %g minutes count from now", error, runtime)
    log.info("Slurm ends this job in %d s", left)
    return time.monotonic() + left


def check_slurm_answers() -> None:
    """Raise InputError where no Slurm answers: nothing that is submitted would ever run.

    What its plugin says then takes 40 s, and names neither the reason nor a remedy.
    """
    _ask("sinfo", "--noheader")


def cancel_left_behind(submitted: Collection[str], progress: Iterable[Mapping]) -> None:
    """Cancel the jobs in the queue that an earlier snakemake submitted from this directory.

    Nobody would take their results. Jobs that are submitted again resume from the states that these saved.

    `submitted` are the numbers that Snakemake noted, which jobs that have begun take away; `progress` is what these say
    of themselves. Both may be old or forged: a job is cancelled where Slurm says that it is this user's, has a comment
    as Snakemake's plugin gives them, and was submitted from here.
    """
    mine = {*submitted, *(str(told.get("slurm_job")) for told in progress)} - {""}
    if not mine:
        return
    try:
        queue = _ask("squeue", "--user", getuser(), "--noheader", "--array", "--format", "%i|%A|%k|%Z").splitlines()
    except InputError as error:  # as where the jobs are not Slurm's
        log.warning("%s", error)
        return
    left = []
    for job, own, comment, directory in (row.split("|", 3) for row in queue if row.count("|") > 2):
        if {job, own} & mine and comment.startswith("rule_") and directory == str(Path.cwd()):
            left.append(job)  # of an array a task, which has another number of its own
    if left:
        print(f"cancels {len(left)} Slurm jobs that a snakemake left behind here: {' '.join(left)}", file=sys.stderr)
        subprocess.run(["scancel", *left], capture_output=True)


def _ask(*command: str) -> str:
    """Return what a program of Slurm's answers; InputError if it does not."""
    how = {"capture_output": True, "encoding": "utf-8", "env": os.environ | {"SLURM_TIME_FORMAT": "standard"}}
    try:
        return subprocess.run(command, timeout=30, check=True, **how).stdout
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise InputError(
            f"no Slurm answers on this machine ({reason}); go where sinfo lists partitions, such as a login node of "
            "your cluster, or leave out --profile slurm to train on this machine"
        ) from error
