"""A pool of worker processes, which end with the process that started them, however that one ends."""

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

GRACE = 600.0  # seconds that a process has to save its state and end; a process in a test finishes the test first


def end_with(process: int) -> None:
    """End this process when the process with this ID has ended."""

    def watch() -> None:
        """Wait for the other process, in a thread."""
        with suppress(psutil.Error):  # the process has ended already
            psutil.Process(process).wait()
        end()

    threading.Thread(target=watch, daemon=True).start()


def end() -> None:
    """End this process: SIGTERM lets it save its state; SIGKILL follows after GRACE seconds."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def worker_pool(
    processes: int, prepare: Callable[..., None] = lambda: None, *arguments
) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of processes, which end with this process. Each first calls `prepare(*arguments)`.

    Raises InputError if processes cannot be started, or if one of them is killed.
    """
    try:
        pool = ProcessPoolExecutor(processes, initializer=_begin, initargs=(getpid(), prepare, arguments))
    except OSError as error:  # the pool's semaphores are files in /dev/shm
        raise InputError(
            f"{processes} processes cannot be started ({error}): make /dev/shm a writable directory, and run again"
        ) from error
    try:
        with pool:
            yield pool
    except BrokenProcessPool as error:
        raise InputError(
            f"one of {processes} processes was killed, probably as memory ran out: raise config key jobs.mem_mb or "
            "use fewer cores, and run again: finished work is kept"
        ) from error


def _begin(parent: int, prepare: Callable[..., None], arguments: tuple) -> None:
    end_with(parent)
    prepare(*arguments)
