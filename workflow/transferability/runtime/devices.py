"""Which job of this machine has which GPU. A lease ends with the process that holds it, however that ends."""

import errno
import logging
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pwd import getpwuid

import torch

from transferability.common.errors import InputError, some_of
from transferability.runtime.locks import POLL, Check, go_on

log = logging.getLogger(__name__)

LOCK = "\0transferability/"  # names of Linux's abstract sockets: no files, so neither users nor TMPDIR tell jobs apart
PATIENCE = 4 * 3600.0  # seconds that the same processes of other users may have all GPUs, before a job gives up


def device_name(device: torch.device) -> str:
    """The device in words: a GPU's name, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


@contextmanager
def leased_hardware(wanted: str, jobs_per_device: int, check: Check = go_on) -> Iterator[torch.device]:
    """Yield the device for auto, cpu or cuda: a GPU that this job has for itself.

    Where several jobs may share a GPU, it is one that fewer than `jobs_per_device` use, and its memory is divided.
    Raises InputError for cuda without CUDA, and where other users' processes do not let go (`leased_device`).
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
    each other, but not those in containers with a network of their own. Devices with fewer jobs go first. The log says
    who has those that it waits for. Raises InputError if after PATIENCE the same processes have them, none of which is
    this user's.
    """
    seats = [f"{device}.{seat}" for seat in range(jobs_per_device) for device in devices]
    looked, holders = -PATIENCE, []
    while (held := _first_free(seats)) is None:
        if time.monotonic() - looked >= PATIENCE:
            looked, before, holders = time.monotonic(), holders, [_holder(name) for name in seats]
            told = some_of([f"{name} (by {who})" for name, (_, who) in zip(seats, holders, strict=True)], 10)
            if holders == before and os.getuid() not in [user for user, _ in holders]:
                raise InputError(
                    f"GPUs in use for {PATIENCE / 3600:g} h: {told}; have these processes ended, leave their GPUs out "
                    "with CUDA_VISIBLE_DEVICES, or give config key device: cpu, and run again"
                )
            log.info("waits: in use are %s", told)
        check()
        time.sleep(POLL)
    number, seat = held
    with seat:
        place = number % len(devices)
        log.info("uses device %s", devices[place])
        yield place


def _first_free(seats: Sequence[str]) -> tuple[int, socket.socket] | None:
    for number, name in enumerate(seats):
        seat = socket.socket(socket.AF_UNIX)
        try:
            seat.bind(LOCK + name)
            seat.listen(socket.SOMAXCONN)  # so that the kernel says whose it is
            return number, seat
        except OSError as error:
            seat.close()
            if error.errno != errno.EADDRINUSE:
                raise
    return None


def _holder(name: str) -> tuple[int, str]:
    """Who has a seat: the user's number, and in words user and process, as far as the kernel says."""
    with socket.socket(socket.AF_UNIX) as asks:
        asks.setblocking(False)
        try:
            asks.connect(LOCK + name)
            process, user, _group = struct.unpack("3i", asks.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return -1, "a process that does not say whose it is"
    with suppress(KeyError):
        return user, f"process {process} of {getpwuid(user).pw_name}"
    return user, f"process {process} of user {user}"
