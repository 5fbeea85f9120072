"""Who uses what on a machine: which job has which GPU, and that a network is trained by one job at a time.

Leases are kernel locks on files, so they end with the process that holds them, however it ends.
"""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

LEASES = Path(tempfile.gettempdir()) / f"transferability-leases-{os.getuid()}"
POLL = 0.5  # seconds between looks for a free device


@contextmanager
def leased_device(devices: Sequence[str], jobs_per_device: int, directory: Path = LEASES) -> Iterator[int]:
    """Wait for a device that fewer than `jobs_per_device` jobs use, and yield its position in `devices`.

    `devices` are names that are unique on the machine, such as GPUs' UUIDs: jobs of all studies on it share
    `directory`. Devices with fewer jobs go first.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    seats = [(seat, place) for seat in range(jobs_per_device) for place in range(len(devices))]
    locks = [(place, FileLock(directory / f"{devices[place]}.{seat}.lock")) for seat, place in seats]
    held = _first_free(locks)
    if held is None:
        log.info("waits: %d jobs use each of %s", jobs_per_device, ", ".join(devices))
    while held is None:
        time.sleep(POLL)
        held = _first_free(locks)
    place, lock = held
    log.info("uses device %s", devices[place])
    try:
        yield place
    finally:
        lock.release()


def _first_free(locks: Sequence[tuple[int, FileLock]]) -> tuple[int, FileLock] | None:
    for place, lock in locks:
        with suppress(Timeout):
            lock.acquire(timeout=0)
            return place, lock
    return None


@contextmanager
def training_alone(path: Path) -> Iterator[None]:
    """Wait until no other process trains the network whose lock file is `path`; the file is removed at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waits for another process that trains this network (it holds %s)", path)
        lock.acquire()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
