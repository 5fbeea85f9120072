"""Which job of this machine has which GPU. A lease ends with the process that holds it, however that ends."""

import errno
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from transferability.common.errors import InputError
from transferability.common.locks import POLL, Check, go_on

log = logging.getLogger(__name__)


@contextmanager
def leased_hardware(wanted: str, jobs_per_device: int, check: Check = go_on) -> Iterator[torch.device]:
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
def leased_device(devices: Sequence[str], jobs_per_device: int, check: Check = go_on) -> Iterator[int]:
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
