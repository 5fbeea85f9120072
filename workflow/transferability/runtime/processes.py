"""The snakemake that a process works for, with which it ends, and what Ctrl-C does to processes."""

import os
import signal
import socket
from pathlib import Path

from transferability.common.worker_pool import end_with

SNAKEMAKE = "TRANSFERABILITY_SNAKEMAKE"  # environment variable: the process that starts the jobs


def end_with_snakemake() -> None:
    """End this process when the snakemake that started it has ended: nobody waits for its result."""
    place, _, process = os.environ.get(SNAKEMAKE, "").rpartition(" ")
    if process and place == _place():  # else it runs on another machine or in another container
        end_with(int(process))


def address() -> str:
    """Return what SNAKEMAKE holds for jobs of this process."""
    return f"{_place()} {os.getpid()}"


def block_sigint() -> None:
    """Keep SIGINT from this thread and from the processes that it starts, until they are ready (`unblock_sigint`).

    A terminal sends it to all of them, and Python answers with a traceback while it starts or ends.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def unblock_sigint() -> None:
    """Let SIGINT through, also one that has come meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _place() -> str:  # where the numbers of processes mean the same
    return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
