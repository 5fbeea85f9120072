"""What Slurm is asked for and asked to do: when it ends this job, and that jobs which nobody waits for should end."""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from getpass import getuser
from pathlib import Path

from transferability.common.errors import InputError

log = logging.getLogger(__name__)

SLURM_JOB = "SLURM_JOB_ID"
_RUN = re.compile(r"([\w-]+_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # what Snakemake's plugin calls its jobs


def slurm_job() -> dict[str, str]:
    """Return what this process says of its job for `cancel_left_behind`, outside of Slurm with empty values."""
    environment = {"slurm_job": SLURM_JOB, "slurm_cluster": "SLURM_CLUSTER_NAME"}
    return {key: os.environ.get(name, "") for key, name in environment.items()} | {"directory": str(Path.cwd())}


def job_deadline(runtime: float) -> float:
    """Return when Slurm ends the job that this process is part of, in seconds of time.monotonic(); else infinity.

    Slurm gives a program no signal before it kills it. It is asked for the time that is left; where it does not
    answer, `runtime` counts, the minutes that the job asked for.
    """
    if SLURM_JOB not in os.environ:
        return float("inf")
    job = os.environ[SLURM_JOB]  # of an array squeue lists all tasks, whose own numbers come first
    lines = [line.split() for line in _ask("squeue", "--noheader", "--job", job, "--format", "%A %L").splitlines()]
    answer = next((line[1] for line in lines if len(line) == 2 and line[0] == job), "")
    if answer == "UNLIMITED":
        return float("inf")
    left = seconds_left(answer)
    if left is None:
        log.warning("Slurm does not tell the walltime that is left (%r); %g minutes count from now", answer, runtime)
        left = 60 * runtime
    log.info("Slurm ends this job in %d s", left)
    return time.monotonic() + left


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


def cancel_left_behind(submitted: Collection[str], progress: Iterable[Mapping]) -> None:
    """Cancel the jobs in the queue that an earlier snakemake submitted from this directory.

    Nobody would take their results. Jobs that are submitted again resume from the states that these saved.

    `submitted` are the numbers that Snakemake noted, `progress` is what trainings say of themselves (`slurm_job`).
    Both may be old, forged, or of another cluster: a job is cancelled where Slurm says that it is this user's, has a
    name and a comment as Snakemake's plugin gives them, and was submitted from here.
    """
    here, mine = str(Path.cwd()), set(submitted)
    if trains := [told for told in progress if told.get("directory") == here]:
        cluster = re.search(r"^ClusterName\s*=\s*(\S+)", _ask("scontrol", "show", "config"), re.MULTILINE)
        mine |= {str(told.get("slurm_job")) for told in trains if cluster and told.get("slurm_cluster") == cluster[1]}
    if not mine:
        return
    answer = _ask("squeue", "--user", getuser(), "--noheader", "--array", "--format", "%i|%A|%j|%k|%Z")
    left = []
    for job, own, name, comment, directory in (row.split("|", 4) for row in answer.splitlines() if row.count("|") > 3):
        if {job, own} & mine and _RUN.fullmatch(name) and comment.startswith("rule_") and directory == here:
            left.append(job)  # of an array a task, which has another number of its own
    if left:
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
    days, _, clock = answer.rpartition("-")
    try:
        return 86400 * int(days or 0) + sum(int(part) * 60**k for k, part in enumerate(reversed(clock.split(":"))))
    except ValueError:
        return None
