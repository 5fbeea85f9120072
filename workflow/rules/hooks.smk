# What happens before jobs start, and after some failed: which finished networks are kept, and who serves the jobs.
from contextlib import suppress

from transferability import fork_server
from transferability.finished import Finished
from transferability.slurm import cancel_left_behind
from transferability.status import write_networks

TRAININGS = {}  # the networks that this run has jobs for, with what is kept of each


def before_jobs():
    """Forget finished networks that a person wants trained again, protect the others, and get ready to train."""
    with suppress(OSError):  # jobs that write there will tell
        write_networks(Path(RESULTS), NETWORKS)
    if workflow.touch:
        return
    for job in workflow.dag.needrun_jobs():
        if job.rule.name.startswith("train_"):
            network = network_of(job.wildcards)
            TRAININGS[job] = Finished(Path(RESULTS, "state"), network.split, network.name)
    for job, kept in TRAININGS.items():
        if is_forced(job) or (is_incomplete(job) and not kept.called):
            kept.forget()
        else:
            kept.call()
    if not workflow.local_exec:
        cancel_left_behind(Path.cwd())
    elif len(TRAININGS) > 1 and fork_server.is_useful(config["device"]):
        fork_server.start()


def after_failure():
    """Note which files of finished networks Snakemake deleted, as it does when a job fails: no person did that."""
    for job, kept in TRAININGS.items():
        if is_incomplete(job):
            kept.call()
        else:
            kept.answer()


def is_incomplete(job):
    """Whether a network's accuracy file or weights are not there: if no job was due before, a person deleted them."""
    return not all(Path(path).exists() for name, path in job.output.items() if name != "provenance")


def is_forced(job):
    """Whether a person forces a job, with -F, -f, -R or --forcerun."""
    settings = workflow.dag_settings
    named = {*settings.forcerun, *(settings.targets if settings.forcetargets else [])}
    files = {os.path.abspath(name) for name in named}
    return job.rule in workflow.dag.forcerules or any(os.path.abspath(path) in files for path in job.output)
