"""Ctrl-C also stops a job whose process starts only then: the terminal sent the signal to those that there were."""

import subprocess
import sys

SNAKEMAKE = '''
import os, signal, subprocess, sys
from types import SimpleNamespace
from transferability.runtime import snakemake_parts

JOB = """
import signal, time
try:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # as jobs do when they can answer
    time.sleep(600)
except KeyboardInterrupt:
    raise SystemExit(7)
"""
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # tests of jobs' logs have blocked it
executor = SimpleNamespace(workers=1, pool=None)
snakemake_parts.answer_ctrl_c(SimpleNamespace(scheduler=SimpleNamespace(_local_executor=executor, _executor=executor)))
try:
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit("there was no interruption")
except KeyboardInterrupt:
    job = executor.pool.submit(subprocess.call, [sys.executable, "-c", JOB]).result()
    os.kill(os.getpid(), signal.SIGINT)  # is ignored
    print(job)
'''


def test_a_job_whose_process_starts_after_ctrl_c_is_interrupted():
    run = subprocess.run([sys.executable, "-c", SNAKEMAKE], capture_output=True, encoding="utf-8", timeout=60)
    assert (run.returncode, run.stderr, run.stdout) == (0, "", "7\n")
