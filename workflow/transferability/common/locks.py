"""That one process at a time does a thing, such as training a network.

The lock is the kernel's: it ends with the process that holds it.
"""

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

log = logging.getLogger(__name__)

POLL = 0.5  # seconds between looks for what is in use


NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


Check = Callable[[], None]  # called while waiting; may raise


def go_on() -> None:
    """Nothing keeps it from waiting."""


@contextmanager
def alone(path: Path, does: str, check: Check = go_on) -> Iterator[None]:
    """Wait until no other process does what the lock file `path` stands for; the file is removed at the end.

    The log says that it waits for one that `does` that: "trains this network".

    On a file system without locks it warns and does not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waits = False
    while (handle := _lock(path)) is None:
        if not waits:
            log.info("waits for another process that %s (it holds %s)", does, path)
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
            log.warning("%s: this file system has no locks (%s): nothing keeps two from the same work", path, error)
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
