"""What a job writes to its log, and how it ends when something is wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from transferability.common.errors import READABLE, remedy
from transferability.common.processes import end_with_snakemake


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Log to the file `path`, and end when the snakemake that started this process has ended.

    For a readable error end with one message, there and on standard error. An OSError, such as a full disk, and a lack
    of memory count as readable. Of any other exception the log gets the traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    form = {"format": "%(asctime)s %(message)s", "datefmt": "%Y-%m-%d %H:%M:%S"}
    logging.basicConfig(filename=path, encoding="utf-8", level=logging.INFO, force=True, **form)
    end_with_snakemake()
    try:
        yield
    except READABLE as error:
        _give_up(f"error: {error}")
    except (OSError, MemoryError) as error:
        _give_up(f"error: {error or 'no memory left'}; {remedy(error)}")
    except Exception:
        logging.exception("unexpected error")
        raise


def _give_up(message: str) -> NoReturn:
    logging.error(message)
    print(message, file=sys.stderr)
    sys.exit(1)
