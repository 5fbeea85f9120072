"""The log of a job: writing it, ending a job with an error message, and reading the last error.

Names of classes, files and tensors come from outside: all text for a log or a terminal is made `printable`.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from transferability.common.errors import READABLE, remedy
from transferability.runtime.processes import block_sigint, end_with_snakemake, unblock_sigint

RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.MULTILINE)  # the beginning of each entry of a log
ROOM = 1 << 16  # bytes of disk reserved for an error message in a log


def printable(text: str) -> str:
    """Return a text that cannot control a terminal or look like another message.

    Control characters are escaped, and lines after the first are indented.
    """
    return "".join(
        letter if letter.isprintable() else "\n  " if letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return an entry of the log, printable."""
        return printable(super().format(record))


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Log to the file `path`; the process ends if the snakemake that started it ends.

    All exceptions are turned into SystemExit. For readable errors, the log gets one message. OSError, for example from
    a full disk, and MemoryError count as readable; they are also written to standard error, because the log may not be
    writable. For any other exception, the log gets the traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.raiseExceptions = False  # no traceback if a line cannot be written to a full disk
    end_with_snakemake()
    try:
        unblock_sigint()
        with _held_room(Path(path).parent):
            yield
        block_sigint()
        return
    except READABLE as error:
        message = f"error: {error}"
    except (OSError, MemoryError) as error:
        message = f"error: {error or 'no memory left'}; {remedy(error)}"
        print(printable(message), file=sys.stderr)
    except KeyboardInterrupt:
        message = "error: stopped by Ctrl-C"
    except Exception:
        logging.exception("unexpected error")
        sys.exit(1)
    block_sigint()
    logging.error(message)
    sys.exit(1)


@contextmanager
def _held_room(directory: Path) -> Iterator[None]:
    """Reserve some disk space and free it at the end, so that a log can still report that the disk is full."""
    with ExitStack() as room:
        with suppress(OSError):  # it is full already
            file = room.enter_context(TemporaryFile(dir=directory, buffering=0))
            room.callback(file.truncate, 0)  # frees the space even if a child of this process has the file open
            file.write(bytes(ROOM))
        yield


def last_error(log: Path) -> str:
    """Return the error at the end of a job's log, in one line or several; "" if there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    last = RECORD.split(text)[-1].strip()
    if last.startswith("error: "):
        return last.removeprefix("error: ").replace("\n  ", "\n")  # as it was before it was made printable
    line = last.rpartition("\n")[2]
    return line.strip() if "Error" in line else ""  # a traceback
