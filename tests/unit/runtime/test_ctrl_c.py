"""Ctrl-C also stops a job whose process starts only then: the terminal sent the signal to those that there were."""

import subprocess
import sys

SNAKEMAKE = '''
import os, signal, subprocess, sys
from types import SimpleNamespace
from transferability.runtime import snakemake_parts

JOB = """
import signal, sys, time
try:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # as jobs do when they can answer
    time.sleep(float(sys.argv[1]))
except KeyboardInterrupt:
    raise SystemExit(7)
"""
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # tests of jobs' logs have blocked it
executor = SimpleNamespace(workers=1, pool=None)
scheduler = SimpleNamespace(_local_executor=executor, _executor=executor)
snakemake_parts.answer_ctrl_c(SimpleNamespace(scheduler=scheduler, local_exec=sys.argv[1] == "local"))
try:
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit("there was no interruption")
except KeyboardInterrupt:
    job = executor.pool.submit(subprocess.call, [sys.executable, "-c", JOB, sys.argv[2]]).result()
    os.kill(os.getpid(), signal.SIGINT)  # is ignored
    print(job)
'''


def left(jobs: str, seconds: float) -> str:
    """The exit code of a process that starts after Ctrl-C, and needs so many seconds."""
    command = [sys.executable, "-c", SNAKEMAKE, jobs, str(seconds)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def test_a_job_whose_process_starts_after_ctrl_c_is_interrupted():
    assert left("local", 600) == "7\n"


def test_what_cancels_jobs_on_a_cluster_is_not_interrupted():
    assert left("on a cluster", 2) == "0\n"
