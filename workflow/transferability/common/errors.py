"""The errors that a user is meant to read: each says in one message what is wrong, where, and what would do."""

import errno
import re
from collections.abc import Collection

WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # how numpy says that a disk is full
FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what a user may have of it


class InputError(Exception):
    """Something that the user gave is wrong."""


class TrainingError(Exception):
    """A network cannot be trained further."""


class StoppedError(Exception):
    """A training was asked to stop, and did, with its state saved."""


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message or, if it has none, its kind."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def some_of(names: Collection[str], number: int = 3) -> str:
    """Return the first few of many names as text, and how many more there are."""
    more = len(names) - number
    return ", ".join(list(names)[:number]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: 1 fault, 2 faults, 1,000 classes."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")


def remedy(error: OSError | MemoryError) -> str:
    """Return what a user can do about a file that cannot be read or written, or about a lack of memory."""
    if isinstance(error, MemoryError):
        return "raise config key jobs.mem_mb, or run fewer jobs at a time, and run again: what is done is kept"
    if error.errno in FULL or WRITTEN_IN_PART.search(str(error)):
        return "free disk space and run again: what is done is kept"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it readable and writable, and run again: what is done is kept"
    if error.errno == errno.ENOENT:
        return "it is not there: give the right path of a file of yours; run again to make one of the study's"
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.ELOOP):
        return "it is not what is read or written there: remove it, and run again: what is done is kept"
    if error.errno in (errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EREMOTEIO):
        return "the file system did not answer as it should; run again when it does: what is done is kept"
    return "run again: what is done is kept"


READABLE = (InputError, TrainingError, StoppedError)
