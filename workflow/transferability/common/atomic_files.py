"""Atomic writes: a file that exists under its final name is always complete, even after a crash of the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from transferability.common.errors import FULL

UNFINISHED = ".unfinished"  # suffix added to the name of a file while it is being written


@contextmanager
def atomic_write(path: Path, keep: bool = False, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to; the file is renamed to `path` at the end.

    After an exception the temporary file is removed; with `keep` it stays for another try. Without `sync` the file may
    be empty after a crash of the machine.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        yield unfinished
        if sync:
            _sync(unfinished)
        unfinished.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
            error.filename = str(path)  # shows which disk is full
        if not keep:
            with suppress(OSError):  # report the first error only
                unfinished.unlink(missing_ok=True)
        raise
    if sync:
        with suppress(OSError):  # some network file systems do not sync directories
            _sync(path.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Add the file's name to an OSError raised while reading it; Python adds it only to errors of opening."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, in UTF-8."""
    with atomic_write(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    """Wait until a file, or the list of names in a directory, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
