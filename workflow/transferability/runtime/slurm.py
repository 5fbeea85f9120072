"""Queries and commands to Slurm: the time left for this job, and the cancellation of jobs left by an earlier run."""

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
_RUN = re.compile(r"([\w-]+_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # job names given by Snakemake's plugin


def slurm_job() -> dict[str, str]:
    """Return job id, cluster and working directory for `cancel_left_behind`; the first two are "" outside of Slurm."""
    environment = {"slurm_job": SLURM_JOB, "slurm_cluster": "SLURM_CLUSTER_NAME"}
    return {key: os.environ.get(name, "") for key, name in environment.items()} | {"directory": str(Path.cwd())}


def job_deadline(runtime: float) -> float:
    """Return when Slurm will end the job of this process, in seconds of time.monotonic(); infinity outside of Slurm.

    Slurm sends no signal before it kills a program, so it is asked for the time left. If it does not answer, the
    deadline is `runtime` minutes from now, the time that the job requested.
    """
    if SLURM_JOB not in os.environ:
        return float("inf")
    job = os.environ[SLURM_JOB]  # for an array, squeue lists all tasks; the first column is a task's own number
    lines = [line.split() for line in _ask("squeue", "--noheader", "--job", job, "--format", "%A %L").splitlines()]
    answer = next((line[1] for line in lines if len(line) == 2 and line[0] == job), "")
    if answer == "UNLIMITED":
        return float("inf")
    left = seconds_left(answer)
    if left is None:
        log.warning("Slurm does not report the time left (%r); assuming %g minutes from now", answer, runtime)
        left = 60 * runtime
    log.info("Slurm ends this job in %d s", left)
    return time.monotonic() + left


def check_slurm_answers() -> None:
    """Raise InputError if Slurm does not answer: submitted jobs would never run.

    The error of Snakemake's plugin takes 40 s, and gives neither reason nor remedy.
    """
    try:
        asked = subprocess.run(["sinfo", "--noheader"], capture_output=True, encoding="utf-8", timeout=30)
        if asked.returncode == 0:
            return
        reason = asked.stderr.strip().splitlines()[-1:]
    except OSError:
        reason = ["the program sinfo is not installed"]
    except subprocess.TimeoutExpired:
        reason = ["sinfo did not answer within 30 s"]
    raise InputError(
        f"Slurm does not answer on this machine ({''.join(reason)}); use a machine where sinfo lists partitions, such "
        "as a login node of your cluster, or leave out --profile slurm to train on this machine"
    )


def cancel_left_behind(submitted: Collection[str], progress: Iterable[Mapping]) -> None:
    """Cancel the jobs in the queue that an earlier snakemake submitted from this directory.

    Their results would not be used. Jobs that are submitted again resume from their saved states.

    `submitted` are the job ids that Snakemake recorded, `progress` the contents of progress files (`slurm_job`). Both
    may be old, forged, or from another cluster. So a job is only cancelled if Slurm reports that it belongs to this
    user, has a name and a comment in the form of Snakemake's plugin, and was submitted from this directory.
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
            left.append(job)  # for a task of an array ARRAY_TASK (123_4), not the task's own number
    if left:
        print(f"cancelling {len(left)} Slurm jobs left by an earlier snakemake: {' '.join(left)}", file=sys.stderr)
        _ask("scancel", *left)


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("Slurm does not answer: %s", error)
        return ""


def seconds_left(answer: str) -> int | None:
    """Return the seconds in squeue's time left, "1-02:03:04", "2:03:04" or "3:04"; None for any other text."""
    days, _, clock = answer.rpartition("-")
    try:
        return 86400 * int(days or 0) + sum(int(part) * 60**k for k, part in enumerate(reversed(clock.split(":"))))
    except ValueError:
        return None
