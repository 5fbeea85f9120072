"""Runs a module of the library in a process of its own, so that this process does not import what the module needs."""

import subprocess
import sys

from transferability.common.errors import InputError


def said_by(module: str, *arguments: str) -> str:
    """Run a module of the library, such as "models.describe", with arguments; return the last line that it prints.

    Raises InputError with the last line of its error output if it fails.
    """
    # Nothing is imported from the working directory (-P).
    command = [sys.executable, "-P", "-m", f"transferability.{module}", *arguments]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        raise InputError((run.stderr.strip().splitlines() or [f"{' '.join((module, *arguments))} failed"])[-1])
    return run.stdout.splitlines()[-1]
