"""The frame of the scripts that Snakemake runs, one per rule."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from transferability.runtime.code import SCRIPTS, check_code
from transferability.runtime.logs import job_log
from transferability.runtime.made import noted


def script(main: Callable[[Any], None]) -> Callable[[Any], None]:
    """Run `main` at once where Snakemake runs its file; elsewhere, as in a test, only define it.

    `main` gets the job as Snakemake describes it: input, output, params, wildcards, config, threads. Its log is open
    meanwhile, and takes the errors (`job_log`). Code that is not that of the rule's parameter `code` is one of them.
    What such a rule makes is noted (`made`).
    """
    if (job := main.__globals__.get("snakemake")) is not None:
        with job_log(job.log[0]):
            if expected := job.params.get("code"):
                check_code(expected, f"{SCRIPTS}.{Path(main.__globals__['__file__']).stem}")
                with noted(Path(job.config["results_dir"]), job):
                    main(job)
            else:
                main(job)
    return main


def paths(files: Iterable[str]) -> list[Path]:
    """Return files that Snakemake names as paths."""
    return [Path(file) for file in files]
