"""The parts of Snakemake without a public name, all that are used here; a test tries them on other versions of it.

- DAG.check_incomplete and dag.forcefiles: results are compared with what is asked for once all jobs are known, and
  before Snakemake chooses those that run.
- dag.forcerules and workflow.dag_settings tell what a person forces from what is forced here.
- persistence.external_jobids: the Slurm jobs of a snakemake that was killed.
- scheduler._executor and _local_executor: their threads start the jobs, from which Ctrl-C is kept until they answer.
- workflow._onstart, _onsuccess and _onerror: when a workflow imports this one, Snakemake runs only the hooks of the
  importing workflow.
- workflow.create_report: a report is refused where results are out of date.
- workflow.scheduling_settings: the limit of 100 jobs per second costs half a core once some hundred jobs have ended.
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
USUAL_LIMIT = (100, 1)  # jobs in seconds, which Snakemake has where a person gives no other


def choose_also(dag_class: type, pick: Callable[[Iterable[Job]], Iterable[Job]]) -> None:
    """Let Snakemake run, besides what it chooses itself, the jobs that a function picks from all.

    `dag_class` is snakemake.dag.DAG.
    """
    check = dag_class.check_incomplete

    async def check_both(dag) -> None:
        """Do what Snakemake does with incomplete files, and the same with those of the jobs that are picked."""
        await check(dag)
        for job in pick(dag.jobs):
            dag.forcefiles.update(job.output)

    dag_class.check_incomplete = check_both


def with_one_message(hook: Callable) -> Callable:
    """Let a hook end Snakemake with one message where it raises InputError."""

    @wraps(hook)
    def answer(*given) -> None:
        """Do what the hook does."""
        from snakemake.exceptions import WorkflowError

        try:
            hook(*given)
        except InputError as error:
            raise WorkflowError(f"{error}") from error

    return answer


def before_reports(workflow: Any, note: Callable[[], None]) -> None:
    """Do what `note` does before a report is made, however that is asked for."""
    create = workflow.create_report
    workflow.create_report = lambda *given, **named: (note(), create(*given, **named))[1]


def is_forced(workflow: Any, job: Job) -> bool:
    """Whether a person forces a job, with -F, -f, -R or --forcerun."""
    settings = workflow.dag_settings
    named = {*settings.forcerun, *(settings.targets if settings.forcetargets else [])}
    files = {Path(name).absolute() for name in named}
    return job.rule in workflow.dag.forcerules or any(Path(path).absolute() in files for path in job.output)


def submitted(workflow: Any) -> Iterator[str]:
    """Yield the numbers that a cluster gave to jobs that are due and were not seen to end."""
    for job in workflow.dag.needrun_jobs():
        yield from workflow.persistence.external_jobids(job)


def lift_job_rate_limit(workflow: Any) -> None:
    """Lift Snakemake's default limit of jobs per second; a person's own (--max-jobs-per-timespan) stays."""
    settings = workflow.scheduling_settings
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == USUAL_LIMIT:
        settings.max_jobs_per_timespan = None


def run_hooks_of_imported(workflow: Any, start: Callable, end: Callable) -> None:
    """Run these after the hooks of the workflow that imports this one, which it may give after it imports it."""

    def then(first: Callable, second: Callable) -> Callable:
        """Return a hook that does the one, then the other."""
        return lambda log: (first(log), second())

    workflow._onstart = then(workflow._onstart, start)
    workflow._onsuccess = then(workflow._onsuccess, end)
    workflow._onerror = then(workflow._onerror, end)


def answer_ctrl_c(workflow: Any) -> None:
    """Stop on the first Ctrl-C, and ignore further ones while jobs save their states; none hits a job that starts.

    A job that has been given to a thread, and has no process yet, gets it as soon as it has one. Not so where jobs are
    on a cluster: what starts here then is what cancels them.
    """
    signal.signal(signal.SIGINT, partial(_stop, workflow.local_exec))
    local = workflow.scheduler._local_executor or workflow.scheduler._executor
    local.pool = ThreadPoolExecutor(local.workers, initializer=block_sigint)  # its threads start the jobs


def _stop(local: bool, *_signal) -> None:
    """Interrupt the scheduler. Within one of its coroutines the interruption would come up again in the next one."""
    signal.signal(signal.SIGINT, _ignore)
    if local:
        threading.Thread(target=_interrupt_processes, args=(time.time() - 1,), daemon=True).start()
    try:
        asyncio.get_running_loop().call_soon_threadsafe(_interrupt)
    except RuntimeError:  # no coroutine runs
        _interrupt()


def _ignore(*_signal) -> None:
    """Do nothing. Unlike SIG_IGN it is not what processes that start now inherit."""


def _interrupt_processes(since: float) -> None:
    """Send SIGINT to each process below this one that has started since: the terminal sent it to those before."""
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
