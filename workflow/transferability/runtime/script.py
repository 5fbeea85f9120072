"""The common frame of the scripts that Snakemake runs, one per rule."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from transferability.runtime.code import script_code
from transferability.runtime.logs import job_log
from transferability.runtime.made_from import noted


def script(main: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run `main` at once if Snakemake runs its file; otherwise, for example in a test, only define it.

    `main` gets Snakemake's job: input, output, params, wildcards, config, threads. While it runs, messages and errors
    go to the job's log (`job_log`). If the job has outputs, a note records what they are made from (`made`).
    """
    if (job := main.__globals__.get("snakemake")) is not None:
        with job_log(job.log[0]):
            if not job.output:
                main(job)
                return main
            with noted(Path(job.config["results_dir"]), job, script_code(main.__globals__["__file__"])):
                main(job)
    return main


def paths(files: Iterable[str]) -> list[Path]:
    """Return the names of files as paths."""
    return [Path(file) for file in files]
