"""What a job writes to its log, and how it ends when something is wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transferability.errors import READABLE, remedy


@contextmanager
def job_log(path: str) -> Iterator[None]:
    """Log to the file `path`; end the process with one message, there and on standard error, for a readable error.

    An OSError, such as a full disk, counts as readable. Of any other exception the log gets the traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S", force=True
    )
    try:
        yield
    except (*READABLE, OSError) as error:
        message = f"error: {error}; {remedy(error)}" if isinstance(error, OSError) else f"error: {error}"
        logging.error(message)
        print(message, file=sys.stderr)
        sys.exit(1)
    except Exception:
        logging.exception("unexpected error")
        raise
