"""Work that several processes share, which end with the process that needs it, however that one ends."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from os import getpid

import psutil

from transferability.common.errors import InputError

GRACE = 600.0  # seconds that a process has to save its state and end; it does after a test, if it is in one


def end_with(process: int) -> None:
    """End this process when another has ended, by its number."""

    def watch() -> None:
        """Wait for it, in a thread."""
        with suppress(psutil.Error):  # it has ended
            psutil.Process(process).wait()
        end()

    threading.Thread(target=watch, daemon=True).start()


def end() -> None:
    """End this process: with SIGTERM, so that it can save its state, and after a while in any case."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def worker_pool(
    processes: int, prepare: Callable[..., None] = lambda: None, *arguments
) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes, each of which calls `prepare(*arguments)` first; they end with this process.

    Raises InputError if processes cannot be started, or if one of them is killed.
    """
    try:
        pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(getpid(), prepare, arguments))
    except OSError as error:  # of semaphores, which are files in /dev/shm
        raise InputError(
            f"{processes} processes cannot be started ({error}): make /dev/shm a writable directory, and run again"
        ) from error
    try:
        with pool:
            yield pool
    except BrokenProcessPool as error:
        raise InputError(
            f"one of {processes} processes was killed, probably as memory ran out: raise config key jobs.mem_mb or "
            "give fewer cores, and run again: what is done is kept"
        ) from error


def _begin(parent: int, prepare: Callable[..., None], arguments: tuple) -> None:
    end_with(parent)
    prepare(*arguments)
