"""Processes that end with the one that wants their work, however that one ends."""

import os
import signal
import threading
import time

import psutil

SNAKEMAKE = "TRANSFERABILITY_SNAKEMAKE"  # environment variable: the process that starts the jobs
POLL = 0.5  # seconds between looks
GRACE = 60.0  # seconds that a process has to save its state and end


def end_with_snakemake() -> None:
    """End this process when the snakemake that started it has ended: nobody waits for its result."""
    if SNAKEMAKE in os.environ:
        end_with(int(os.environ[SNAKEMAKE]))


def end_with(process: int) -> None:
    """End this process when another has ended, by its number."""
    try:
        other = psutil.Process(process)
    except psutil.NoSuchProcess:
        return  # of another machine or container: nothing can be seen of it here
    threading.Thread(target=_watch, args=(other,), daemon=True).start()


def end() -> None:
    """End this process: with SIGTERM, so that it can save its state, and after a while in any case."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def _watch(other: psutil.Process) -> None:
    while other.is_running() and other.status() != psutil.STATUS_ZOMBIE:
        time.sleep(POLL)
    end()
