"""Mutual exclusion between processes, so that a network is trained by one at a time.

The kernel holds the lock, and releases it when its process ends.
"""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

POLL = 0.5  # seconds between attempts to get a lock or device
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}

Check = Callable[[], None]  # called while waiting; may raise


def go_on() -> None:
    """Keep waiting."""


@contextmanager
def file_lock(path: Path, does: str, check: Check = go_on) -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, then hold it; the file is removed at the end.

    `does` describes the work of the holder in the log, for example "trains this network". `check` is called while
    waiting, and may raise. On a file system without locks, a warning is logged and the lock is not acquired.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, fallback_to_soft=False, poll_interval=POLL)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info("waiting for another process that %s (it holds %s)", does, path)
        lock.acquire(cancel_check=check)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        log.warning("%s: this file system has no locks (%s): two processes may do the same work", path, error)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: a waiting process notices that the file was removed
        lock.release()
