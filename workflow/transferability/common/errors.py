"""Errors for the user: each message states what is wrong, where, and how to fix it."""

import errno
import re
from collections.abc import Collection

WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # how numpy reports a full disk
FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or the user's quota on it


class InputError(Exception):
    """An input of the user is wrong."""


class TrainingError(Exception):
    """A network cannot be trained further."""


class StoppedError(Exception):
    """A training run was asked to stop; it saved its state and stopped."""


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message or, if it has none, the name of its class."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def some_of(names: Collection[str], number: int = 3) -> str:
    """Return the first `number` names as text, followed by how many more there are."""
    more = len(names) - number
    return ", ".join(list(names)[:number]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural: 1 fault, 2 faults, 1,000 classes."""
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if noun.endswith("s") else "s")


def remedy(error: OSError | MemoryError) -> str:
    """Return what a user can do about a file that cannot be read or written, or about a lack of memory."""
    if isinstance(error, MemoryError):
        return "raise config key jobs.mem_mb, or run fewer jobs at a time, and run again: finished work is kept"
    if error.errno in FULL or WRITTEN_IN_PART.search(str(error)):
        return "free disk space and run again: finished work is kept"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it readable and writable, and run again: finished work is kept"
    if error.errno == errno.ENOENT:
        return "the file does not exist: if it is yours, correct its path; if the study makes it, run again"
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.ELOOP):
        return "the path is of the wrong kind (file, directory or link): remove it and run again: finished work is kept"
    if error.errno in (errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EREMOTEIO):
        return "the file system does not respond correctly; run again when it does: finished work is kept"
    return "run again: finished work is kept"


READABLE = (InputError, TrainingError, StoppedError)
