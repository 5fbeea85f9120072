"""The environment of a run: what Snakemake cannot work in, and the variables that its jobs get."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from transferability.common.errors import InputError
from transferability.runtime.processes import SNAKEMAKE, address


def check_environment(config: Mapping, repository: Path) -> None:
    """Raise InputError for an environment in which Snakemake would fail in each job, or read letters wrong."""
    text = f"{json.dumps(config, ensure_ascii=False, default=str)}{Path.cwd()}"
    if sys.getfilesystemencoding() != "utf-8" and not text.isascii():
        raise InputError(
            "the configuration or the path of the working directory has letters beyond ASCII, which snakemake does not "
            "read right in this locale; export PYTHONUTF8=1 and run again"
        )
    if any(map(str.isspace, sys.executable)):
        raise InputError(
            f"snakemake cannot run jobs with a Python in a path with spaces: {sys.executable}; move the checkout (or "
            "the environment) to a path without, and set it up again there"
        )
    if set("{}<>") & set(str(repository)):
        raise InputError(
            f"snakemake takes braces in the path of a checkout for wildcards, and angle brackets for path variables: "
            f"{repository}; move it to a path without"
        )


def job_environment(repository: Path) -> dict[str, str]:
    """Return the environment variables of jobs, for all that are started from now on.

    Jobs in an environment of their own (--software-deployment-method conda) find the library. All jobs read and write
    UTF-8 whatever the locale, import nothing from the working directory, and end when this snakemake does.
    """
    places = [str(repository / "workflow"), os.getenv("PYTHONPATH")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTHONUTF8": "1",
        "PYTHONSAFEPATH": "1",
        SNAKEMAKE: address(),
    }
