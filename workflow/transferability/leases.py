"""Who uses what: which job of this machine has which GPU, and that a network is trained by one job at a time.

Both are the kernel's locks, so they end with the process that holds them, however it ends.
"""

import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import lock_descriptor

from transferability.errors import InputError

log = logging.getLogger(__name__)

POLL = 0.5  # seconds between looks for what is in use
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}

Check = Callable[[], None]  # called while waiting; may raise


def _go_on() -> None:
    """Nothing keeps it from waiting."""


@contextmanager
def leased_hardware(wanted: str, jobs_per_device: int, check: Check = _go_on) -> Iterator[torch.device]:
    """Yield the device for auto, cpu or cuda: a GPU that this job has for itself.

    Where several jobs may share a GPU, it is one that fewer than `jobs_per_device` use, and its memory is divided.
    Raises InputError for cuda without CUDA.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        yield torch.device("cpu")
        return
    if not torch.cuda.is_available():
        raise InputError("config key device: cuda given, but torch sees no CUDA device; give auto or cpu")
    names = [str(torch.cuda.get_device_properties(k).uuid) for k in range(torch.cuda.device_count())]
    with leased_device(names, jobs_per_device, check) as place:
        torch.cuda.set_device(place)
        if jobs_per_device > 1:  # a tenth is left for what CUDA itself takes in each process
            torch.cuda.set_per_process_memory_fraction(0.9 / jobs_per_device)
        yield torch.device("cuda", place)


@contextmanager
def leased_device(devices: Sequence[str], jobs_per_device: int, check: Check = _go_on) -> Iterator[int]:
    """Wait for a device that fewer than `jobs_per_device` jobs use, and yield its position in `devices`.

    `devices` are names that are unique on the machine, such as GPUs' UUIDs. Jobs of all studies and users on it see
    each other, but not those in containers with a network of their own. Devices with fewer jobs go first.
    """
    seats = [(place, f"{devices[place]}.{seat}") for seat in range(jobs_per_device) for place in range(len(devices))]
    held = _first_free(seats)
    if held is None:
        log.info("waits: %d jobs use each of %s", jobs_per_device, ", ".join(devices))
    while held is None:
        check()
        time.sleep(POLL)
        held = _first_free(seats)
    place, seat = held
    log.info("uses device %s", devices[place])
    with seat:
        yield place


def _first_free(seats: Sequence[tuple[int, str]]) -> tuple[int, socket.socket] | None:
    """A name of Linux's abstract sockets is the lock: no files, so neither users nor TMPDIR tell jobs apart."""
    for place, name in seats:
        seat = socket.socket(socket.AF_UNIX)
        try:
            seat.bind(f"\0transferability/{name}")
            return place, seat
        except OSError as error:
            seat.close()
            if error.errno != errno.EADDRINUSE:
                raise
    return None


@contextmanager
def training_alone(path: Path, check: Check = _go_on) -> Iterator[None]:
    """Wait until no other process trains the network whose lock file is `path`; the file is removed at the end.

    On a file system without locks it warns and does not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waits = False
    while (handle := _lock(path)) is None:
        if not waits:
            log.info("waits for another process that trains this network (it holds %s)", path)
        waits = True
        check()
        time.sleep(POLL)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _lock(path: Path) -> int | None:
    """Return the open lock file, locked where the file system can do that; None while another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if lock_descriptor(handle, blocking=False) and _is_at(path, handle):
            return handle
    except OSError as error:
        if error.errno in NO_LOCKS:
            log.warning("%s: this file system has no locks (%s): nothing keeps two jobs from one network", path, error)
            return handle
        os.close(handle)
        raise
    os.close(handle)
    return None


def _is_at(path: Path, handle: int) -> bool:
    """Whether an open file is still the one of that name: who held the lock before has removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
