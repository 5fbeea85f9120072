"""All uses of Snakemake's private API in this library; a test tries them with other versions of Snakemake.

- DAG.check_incomplete and dag.forcefiles: results are compared with the study once all jobs are known, and before
  Snakemake chooses the jobs to run.
- dag.forcerules and workflow.dag_settings: what the user forces, as opposed to what is forced here.
- persistence.external_jobids: the Slurm jobs of a snakemake that was killed.
- scheduler._executor and _local_executor: their threads start the jobs, and block Ctrl-C until a job can handle it.
- workflow._onstart, _onsuccess and _onerror: if another workflow imports this one, Snakemake only runs the hooks of
  the importing workflow.
- workflow.create_report: no report is made while results are out of date.
- workflow.scheduling_settings: the limit of 100 jobs per second costs half a core after some hundred jobs.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import psutil

from transferability.common.errors import InputError
from transferability.runtime.processes import block_sigint

Job = Any  # Snakemake's: rule, wildcards, params, input, output
USUAL_LIMIT = (100, 1)  # Snakemake's default: jobs, seconds


def choose_also(dag_class: type, pick: Callable[[Iterable[Job]], Iterable[Job]]) -> None:
    """Let Snakemake also run the jobs that the function `pick` selects from all jobs.

    `dag_class` is snakemake.dag.DAG.
    """
    check = dag_class.check_incomplete

    async def check_both(dag) -> None:
        """Force the incomplete files, as Snakemake does, and the outputs of the selected jobs."""
        await check(dag)
        for job in pick(dag.jobs):
            dag.forcefiles.update(job.output)

    dag_class.check_incomplete = check_both


def with_one_message(hook: Callable) -> Callable:
    """Return a hook that ends Snakemake with one message if the given hook raises InputError."""

    @wraps(hook)
    def answer(*given) -> None:
        """Call the hook."""
        from snakemake.exceptions import WorkflowError

        try:
            hook(*given)
        except InputError as error:
            raise WorkflowError(f"{error}") from error

    return answer


def before_reports(workflow: Any, note: Callable[[], None]) -> None:
    """Call `note` before any report is made."""
    create = workflow.create_report
    workflow.create_report = lambda *given, **named: (note(), create(*given, **named))[1]


def is_forced(workflow: Any, job: Job) -> bool:
    """Whether the user forces a job, with -F, -f, -R or --forcerun."""
    settings = workflow.dag_settings
    named = {*settings.forcerun, *(settings.targets if settings.forcetargets else [])}
    files = {Path(name).absolute() for name in named}
    return job.rule in workflow.dag.forcerules or any(Path(path).absolute() in files for path in job.output)


def submitted(workflow: Any) -> Iterator[str]:
    """Yield the cluster's ids of jobs that are due and are not known to have ended."""
    for job in workflow.dag.needrun_jobs():
        yield from workflow.persistence.external_jobids(job)


def lift_job_rate_limit(workflow: Any) -> None:
    """Lift Snakemake's default limit of jobs per second; keep a limit set with --max-jobs-per-timespan."""
    settings = workflow.scheduling_settings
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == USUAL_LIMIT:
        settings.max_jobs_per_timespan = None


def run_hooks_of_imported(workflow: Any, start: Callable, end: Callable) -> None:
    """Run `start` and `end` after the hooks of the importing workflow, which may be defined after the import."""

    def then(first: Callable, second: Callable) -> Callable:
        """Return a hook that calls the first function, then the second."""
        return lambda log: (first(log), second())

    workflow._onstart = then(workflow._onstart, start)
    workflow._onsuccess = then(workflow._onsuccess, end)
    workflow._onerror = then(workflow._onerror, end)


def answer_ctrl_c(workflow: Any) -> None:
    """Stop on the first Ctrl-C, and ignore further ones while jobs save their states and while jobs start.

    A job that is already in a thread but has no process yet gets the signal as soon as its process has started. On a
    cluster no process is signalled: there, the processes that start after Ctrl-C are those that cancel the jobs.
    """
    signal.signal(signal.SIGINT, partial(_stop, workflow.local_exec))
    local = workflow.scheduler._local_executor or workflow.scheduler._executor
    local.pool = ThreadPoolExecutor(local.workers, initializer=block_sigint)  # its threads start the jobs


def _stop(local: bool, *_signal) -> None:
    """Interrupt the scheduler from outside its coroutines; inside one, the next one would be interrupted again."""
    signal.signal(signal.SIGINT, _ignore)
    if local:
        threading.Thread(target=_interrupt_processes, args=(time.time() - 1,), daemon=True).start()
    try:
        asyncio.get_running_loop().call_soon_threadsafe(_interrupt)
    except RuntimeError:  # no coroutine runs
        _interrupt()


def _ignore(*_signal) -> None:
    """Do nothing. Unlike SIG_IGN, this handler is not inherited by processes that start now."""


def _interrupt_processes(since: float) -> None:
    """Send SIGINT to each descendant process started after `since`; the terminal signalled the earlier ones."""
    told = set()
    while True:
        with suppress(psutil.Error):
            for process in psutil.Process().children(recursive=True):
                if process.create_time() >= since and process.pid not in told:
                    told.add(process.pid)
                    process.send_signal(signal.SIGINT)
        time.sleep(0.2)


def _interrupt() -> None:
    raise KeyboardInterrupt
