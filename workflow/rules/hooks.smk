# What happens before jobs start, and after some failed: which finished networks are kept, who serves the jobs, and
# what a failure stops.
import asyncio
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from transferability.common.errors import InputError, remedy
from transferability.common.processes import hold_ctrl_c
from transferability.jobs import fork_server
from transferability.jobs.finished import Finished
from transferability.jobs.slurm import cancel_left_behind, check_slurm_answers
from transferability.jobs.status import read_progress, write_networks
from transferability.study.grid import control_names

TRAININGS = {}  # the jobs of this run that train, with what is kept of each one's network
# What networks stand on.
FOUNDATIONS = {ROOT, f"{RESULTS}/index.csv", f"{RESULTS}/store.npy"}
FOUNDATIONS |= {f"{RESULTS}/splits/{split}/{target}.csv" for split, target in TASKS}
FOUNDATIONS |= {str(weights_file(Path(RESULTS), split, "baseA")) for split in given_splits(config)}


class FailedJobs(set):
    """The jobs that failed for good, as the scheduler notes them.

    Other trainings continue when one has failed (keep-going), but where a study has no foundation nothing else starts. A
    workflow may import this one twice, for two studies.
    """

    def __init__(self, others):
        super().__init__(others)
        self.foundations = FOUNDATIONS | getattr(others, "foundations", set())

    def add(self, job):
        super().add(job)
        if not self.foundations.isdisjoint(job.output):
            workflow.scheduler.keepgoing = False


def trained_by(job):
    """The network that a job trains in this study; None for others. A workflow that imports rules may rename them."""
    product = job.output.get("accuracy", "")
    if not product.startswith(f"{RESULTS}/accuracy/") or "network" not in job.wildcards.keys():
        return None
    network = network_of(job.wildcards)
    return network if product == accuracy(network) else None


def kept_of(network):
    """What is kept of a network that was finished before."""
    return Finished(Path(RESULTS, "state"), network.split, network.name)


def before_jobs():
    """Note which networks are to be trained again, and get ready to train."""
    with suppress(OSError):  # jobs that write there will tell
        asked = {network for job in workflow.dag.jobs if (network := trained_by(job))}
        write_networks(Path(RESULTS), NETWORKS, asked, control_names(config))
    if workflow.touch:
        return
    if workflow.executor_plugin.name == "slurm":
        try:
            check_slurm_answers()
        except InputError as error:
            raise WorkflowError(f"{error}")
    for job in workflow.dag.needrun_jobs():
        if network := trained_by(job):
            TRAININGS[job] = kept_of(network)
    workflow.scheduler.failed = FailedJobs(workflow.scheduler.failed)
    lift_job_rate_limit()
    answer_ctrl_c()
    if TRAININGS:
        networks = len([job for job in workflow.dag.jobs if trained_by(job)])
        due = {"networks": (len(TRAININGS), networks), "rules": dict(Counter(job.rule.name for job in TRAININGS))}
        logger.info(f"{len(TRAININGS)} of {networks} networks to train", extra=due)
    try:
        note_requests()
    except OSError as error:
        raise WorkflowError(f"{error}; {remedy(error)}")
    if not workflow.local_exec:
        cancel_left_behind(*left_behind())
    elif len(TRAININGS) > 1 and fork_server.is_useful(config["device"]):
        with suppress(OSError):  # jobs run in their own processes then
            fork_server.start(config["network"]["architecture"], config["training"]["optimizer"])


def lift_job_rate_limit():
    """Lift Snakemake's default limit of 100 jobs per second; a person's own (--max-jobs-per-timespan) stays.

    With a limit, each job that ends makes Snakemake look through all waiting jobs once more per second from then on:
    half a core, after some hundred jobs.
    """
    limit = workflow.scheduler.job_rate_limiter
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def answer_ctrl_c():
    """Stop on the first Ctrl-C, and ignore further ones while jobs save their states; none hits a job that starts."""
    signal.signal(signal.SIGINT, stop)
    local = workflow.scheduler._local_executor or workflow.scheduler._executor
    local.pool = ThreadPoolExecutor(local.workers, initializer=hold_ctrl_c)  # its threads start the jobs


def stop(*_signal):
    """Interrupt the scheduler. Within one of its coroutines the interruption would come up again in the next one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.get_running_loop().call_soon_threadsafe(interrupt)
    except RuntimeError:  # no coroutine runs
        interrupt()


def interrupt():
    raise KeyboardInterrupt


def note_requests():
    """A network is trained again if its job is forced, or if a person deleted what was in place.

    From now until its job has put it in place again, its files may be gone because Snakemake deleted them.
    """
    for job, kept in TRAININGS.items():
        if is_forced(job) or (is_incomplete(job) and kept.in_place):
            kept.ask()
        kept.in_place = False
    due = {network_of(job.wildcards) for job in TRAININGS}
    for network in NETWORKS:
        if network not in due and Path(accuracy(network)).exists():
            kept_of(network).in_place = True


def after_failure():
    """What the jobs that did not run, or not to their end, have left in place is in place."""
    for job, kept in TRAININGS.items():
        if not is_incomplete(job):
            with suppress(OSError):
                kept.in_place = True


def left_behind():
    """Which jobs an earlier snakemake may have submitted from here for what this run makes, and not seen to end.

    Of those that wait Snakemake notes the cluster's number, those that train say it in their progress files. That this
    snakemake could lock the files says that no other one here waits for them.
    """
    waiting = {number for job in workflow.dag.needrun_jobs() for number in workflow.persistence.external_jobids(job)}
    networks = [network_of(job.wildcards) for job in TRAININGS]
    progress = [read_progress(Path(RESULTS), network.split, network.name) for network in networks]
    return waiting, [told for told in progress if told]


def after_success():
    """Say where to look first, if everything was asked for; who asked for a file knows its name."""
    if any(job.rule.name == "all" for job in workflow.dag.targetjobs):
        first = [
            f"{RESULTS}/{name}" for name in (["figure2.pdf"] if EXPERIMENTS["random-splits"] else []) + ["advice.md"]
        ]
        logger.info(f"open {' and '.join(first)} first; README.md says what else there is")


def is_incomplete(job):
    """Whether a network's accuracy file or weights are not there."""
    return not all(Path(path).exists() for name, path in job.output.items() if name != "provenance")


def is_forced(job):
    """Whether a person forces a job, with -F, -f, -R or --forcerun."""
    settings = workflow.dag_settings
    named = {*settings.forcerun, *(settings.targets if settings.forcetargets else [])}
    files = {os.path.abspath(name) for name in named}
    return job.rule in workflow.dag.forcerules or any(os.path.abspath(path) in files for path in job.output)


def then(first, second):
    """A hook that does the one, then the other."""

    def both(log):
        first(log)
        second()

    return both


# Of a workflow that imports this one Snakemake runs the hooks, of this one none.
if IMPORTED:
    workflow._onstart = then(workflow._onstart, before_jobs)
    workflow._onerror = then(workflow._onerror, after_failure)
