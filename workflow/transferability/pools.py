"""Several processes that work on images, with readable errors where there can be none or one is killed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from os import getpid

from transferability.errors import InputError
from transferability.lifeline import end_with


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
            f"one of {processes} processes was killed, most likely for want of memory: raise config key jobs.mem_mb or "
            "give fewer cores, and run again: what is done is kept"
        ) from error


def _begin(parent: int, prepare: Callable[..., None], arguments: tuple) -> None:
    end_with(parent)
    prepare(*arguments)
