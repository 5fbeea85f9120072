"""Ending a process together with the snakemake that it works for, and handling Ctrl-C in processes."""

import os
import signal
import socket
from pathlib import Path

from transferability.common.worker_pool import end_with

SNAKEMAKE = "TRANSFERABILITY_SNAKEMAKE"  # environment variable: the process that starts the jobs


def end_with_snakemake() -> None:
    """End this process when the snakemake that started it has ended: its result is no longer needed."""
    place, _, process = os.environ.get(SNAKEMAKE, "").rpartition(" ")
    if process and place == _place():  # else it runs on another machine or in another container
        end_with(int(process))


def address() -> str:
    """Return the value of the environment variable SNAKEMAKE for the jobs of this process."""
    return f"{_place()} {os.getpid()}"


def block_sigint() -> None:
    """Block SIGINT in this thread and in the processes that it starts, until they are ready (`unblock_sigint`).

    A terminal sends the signal to all of them, and Python prints a traceback if it arrives during start-up or exit.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def unblock_sigint() -> None:
    """Unblock SIGINT; a signal that arrived while it was blocked is delivered now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _place() -> str:  # machine and container, within which process ids are unique
    return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
