"""Writing files so that one of that name is always whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"  # what is added to the name of a file that is being written


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield the place to write a file at, which becomes `path` at the end; after an exception nothing is left of it."""
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
