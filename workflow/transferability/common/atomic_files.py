"""Writing files so that one of that name is always whole, also after a crash of the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from transferability.common.errors import FULL

UNFINISHED = ".unfinished"  # what is added to the name of a file that is being written


@contextmanager
def atomic_write(path: Path, keep: bool = False, sync: bool = True) -> Iterator[Path]:
    """Yield the place to write a file at, which becomes `path` at the end.

    After an exception nothing is left of it, or with `keep` what there is, for another try. Without `sync` it may be
    empty after a crash of the machine.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        yield unfinished
        if sync:
            _sync(unfinished)
        unfinished.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
            error.filename = str(path)  # which disk it is
        if not keep:
            with suppress(OSError):  # the first error counts
                unfinished.unlink(missing_ok=True)
        raise
    if sync:
        with suppress(OSError):  # some network file systems do not sync directories
            _sync(path.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an OSError while a file is read name it: that of reading, unlike that of opening, does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8."""
    with atomic_write(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
