"""Pythons that are forked from one that has imported Snakemake, which is two thirds of what a dry run costs.

Snakemakes that run no job (dry runs, --touch, --unlock) are such processes, and tests of the code's checksums, which
start a Python for each of many edits. Whatever runs jobs is the program that users run, with jobs and a fork server as
they are there (`Checkout.snakemake`). Nothing of the library is imported before the fork: a checkout brings its own.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

server = multiprocessing.get_context("forkserver")
# Snakemake, and what it and this workflow import of others when they run.
ALSO = ["snakemake.report.html_reporter", "smart_open", "jsonschema", "yte", "PIL.Image", "safetensors"]
server.set_forkserver_preload(["snakemake.cli", *ALSO])


def python(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Do what `python -c CODE` or `python -m MODULE` does with more arguments; stdout and stderr come together."""
    with tempfile.NamedTemporaryFile() as output:
        process = server.Process(target=_run, args=(arguments, str(cwd), dict(environment), output.name))
        process.start()
        process.join()
        printed = Path(output.name).read_text(encoding="utf-8", errors="replace")
    return subprocess.CompletedProcess(arguments, process.exitcode, printed)


def _run(arguments: Sequence[str], cwd: str, environment: Mapping[str, str], output: str) -> None:
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(file, standard)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep) if "PYTHONPATH" in environment else []
    kind, what, *more = arguments
    sys.argv = [kind, *more]
    if kind == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
