"""Assignment of GPUs to the jobs of this machine. A lease ends with the process that holds it, even if it is killed."""

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

LOCK = "\0transferability/"  # prefix of Linux's abstract sockets: no files, so jobs of any user and TMPDIR share them
PATIENCE = 4 * 3600.0  # seconds after which a job gives up if the same processes of other users hold all GPUs


def device_name(device: torch.device) -> str:
    """Return the name of a GPU, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


@contextmanager
def leased_hardware(wanted: str, jobs_per_device: int, check: Check = go_on) -> Iterator[torch.device]:
    """Yield the device for auto, cpu or cuda: the CPU, or a GPU that no other job uses.

    If several jobs may share a GPU, fewer than `jobs_per_device` others use it, and its memory is divided among them.
    Raises InputError for cuda without CUDA, and if other users' processes hold all GPUs too long (`leased_device`).
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        yield torch.device("cpu")
        return
    if not torch.cuda.is_available():
        raise InputError("config key device: cuda given, but torch sees no CUDA device; give auto or cpu")
    names = [str(torch.cuda.get_device_properties(k).uuid) for k in range(torch.cuda.device_count())]
    with leased_device(names, jobs_per_device, check) as place:
        torch.cuda.set_device(place)
        if jobs_per_device > 1:  # a tenth is left for the memory that CUDA itself needs in each process
            torch.cuda.set_per_process_memory_fraction(0.9 / jobs_per_device)
        yield torch.device("cuda", place)


@contextmanager
def leased_device(devices: Sequence[str], jobs_per_device: int, check: Check = go_on) -> Iterator[int]:
    """Wait for a device that fewer than `jobs_per_device` jobs use, and yield its position in `devices`.

    `devices` are names that are unique on the machine, such as the UUIDs of GPUs. Leases apply to the jobs of all
    studies and users on the machine, except jobs in containers with a network of their own. Devices with fewer jobs are
    preferred. While it waits, the log names the processes that hold the devices. Raises InputError if the same
    processes still hold them after PATIENCE, and none of these belongs to this user.
    """
    seats = [f"{device}.{seat}" for seat in range(jobs_per_device) for device in devices]
    looked, holders = -PATIENCE, []
    while (held := _first_free(seats)) is None:
        if time.monotonic() - looked >= PATIENCE:
            looked, before, holders = time.monotonic(), holders, [_holder(name) for name in seats]
            told = some_of([f"{name} (by {who})" for name, (_, who) in zip(seats, holders, strict=True)], 10)
            if holders == before and os.getuid() not in [user for user, _ in holders]:
                raise InputError(
                    f"GPUs in use for {PATIENCE / 3600:g} h: {told}; ask their users to end these processes, exclude "
                    "their GPUs with CUDA_VISIBLE_DEVICES, or give config key device: cpu, and run again"
                )
            log.info("waiting for a device: in use are %s", told)
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
            seat.listen(socket.SOMAXCONN)  # so that the kernel reports the owner to others
            return number, seat
        except OSError as error:
            seat.close()
            if error.errno != errno.EADDRINUSE:
                raise
    return None


def _holder(name: str) -> tuple[int, str]:
    """The holder of a seat: the user's number (-1 if unknown), and a description of process and user."""
    with socket.socket(socket.AF_UNIX) as asks:
        asks.setblocking(False)
        try:
            asks.connect(LOCK + name)
            process, user, _group = struct.unpack("3i", asks.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return -1, "an unknown process"
    with suppress(KeyError):
        return user, f"process {process} of {getpwuid(user).pw_name}"
    return user, f"process {process} of user {user}"
