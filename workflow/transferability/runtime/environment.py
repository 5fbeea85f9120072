"""The environment of a run: checks that Snakemake can work in it, and the environment variables of its jobs."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from transferability.common.errors import InputError
from transferability.runtime.processes import SNAKEMAKE, address


def check_environment(config: Mapping, repository: Path) -> None:
    """Raise InputError for an environment in which Snakemake would fail in each job, or misread characters."""
    text = f"{json.dumps(config, ensure_ascii=False, default=str)}{Path.cwd()}"
    if sys.getfilesystemencoding() != "utf-8" and not text.isascii():
        raise InputError(
            "the configuration or the path of the working directory has characters beyond ASCII, which snakemake "
            "misreads in this locale; export PYTHONUTF8=1 and run again"
        )
    if any(map(str.isspace, sys.executable)):
        raise InputError(
            f"snakemake cannot run jobs with a Python in a path with spaces: {sys.executable}; move the checkout (or "
            "the environment) to a path without spaces, and set it up again there"
        )
    if set("{}<>") & set(str(repository)):
        raise InputError(
            f"snakemake treats braces in the path of a checkout as wildcards, and angle brackets as path variables: "
            f"{repository}; move the checkout to a path without them"
        )


def job_environment(repository: Path) -> dict[str, str]:
    """Return the environment variables for the jobs that this snakemake starts.

    With them, jobs in an environment of their own (--software-deployment-method conda) find the library. All jobs read
    and write UTF-8 in any locale, import nothing from the working directory, and end when this snakemake ends.
    """
    places = [str(repository / "workflow"), os.getenv("PYTHONPATH")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTHONUTF8": "1",
        "PYTHONSAFEPATH": "1",
        SNAKEMAKE: address(),
    }
