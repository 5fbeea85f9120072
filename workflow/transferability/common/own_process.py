"""A module of the library that runs in a process of its own, as it would import what this one does without."""

import subprocess
import sys

from transferability.common.errors import InputError


def said_by(module: str, *arguments: str) -> str:
    """Return the last line that a module of the library, "models.describe", prints when it is run with arguments.

    Raises InputError with the last line of its errors if it fails.
    """
    # Nothing is imported from the working directory (-P).
    command = [sys.executable, "-P", "-m", f"transferability.{module}", *arguments]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        raise InputError((run.stderr.strip().splitlines() or [f"{' '.join((module, *arguments))} failed"])[-1])
    return run.stdout.splitlines()[-1]
