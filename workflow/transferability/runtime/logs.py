"""What a job writes to its log, how it ends when something is wrong, and what went wrong by its log.

Names of classes, files and tensors are other people's: what goes to a log or a terminal is made `printable`.
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

RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.MULTILINE)  # what each entry of a log begins with
ROOM = 1 << 16  # bytes of a disk that an error in a log may take


def printable(text: str) -> str:
    """Return a text that neither steers a terminal nor passes for another message.

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
    """Log to the file `path`, and end when the snakemake that started this process has ended.

    A readable error ends it with one message there. An OSError, such as a full disk, and a lack of memory count as
    readable; these go to standard error as well, as they may keep the log from being written. Of any other exception
    the log gets the traceback. Each raises SystemExit.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.raiseExceptions = False  # a line that a full disk does not take needs no traceback of its own
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
    """Hold some of a disk meanwhile, which is free afterwards: so a log can say that the disk is full."""
    with ExitStack() as room:
        with suppress(OSError):  # it is full already
            file = room.enter_context(TemporaryFile(dir=directory, buffering=0))
            room.callback(file.truncate, 0)  # also where a child of this process has it open
            file.write(bytes(ROOM))
        yield


def last_error(log: Path) -> str:
    """Return the error that a job's log ends with, of one line or several, or ""."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    last = RECORD.split(text)[-1].strip()
    if last.startswith("error: "):
        return last.removeprefix("error: ").replace("\n  ", "\n")  # as it was before it was made printable
    line = last.rpartition("\n")[2]
    return line.strip() if "Error" in line else ""  # a traceback
