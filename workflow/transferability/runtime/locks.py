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

POLL = 0.5  # seconds between looks for what is in use
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}

Check = Callable[[], None]  # called while waiting; may raise


def go_on() -> None:
    """Keep waiting."""


@contextmanager
def file_lock(path: Path, does: str, check: Check = go_on) -> Iterator[None]:
    """Wait until no other process does what the lock file `path` stands for; the file is removed at the end.

    The log says that it waits for one that `does` that: "trains this network". Raises what `check` does.

    On a file system without locks it warns and does not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, fallback_to_soft=False, poll_interval=POLL)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info("waits for another process that %s (it holds %s)", does, path)
        lock.acquire(cancel_check=check)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        log.warning("%s: this file system has no locks (%s): nothing keeps two from the same work", path, error)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits sees that what it opened has gone
        lock.release()
