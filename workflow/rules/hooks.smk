# What happens before jobs are chosen, before they start and after they ended is in transferability.runtime.hooks.
from snakemake.dag import DAG

from transferability.runtime import snakemake_parts
from transferability.runtime.hooks import Hooks

HOOKS = Hooks(workflow, config, NETWORKS, CODE, say=logger.info)


def before_jobs():
    """What onstart does; an error ends snakemake with one message."""
    try:
        HOOKS.before_jobs()
    except InputError as error:
        raise WorkflowError(f"{error}")


def after_success():
    """After a run of everything, say which results to open first."""
    HOOKS.after_jobs()
    if any(job.rule.name == "all" for job in workflow.dag.targetjobs):
        names = (["figure2.pdf"] if EXPERIMENTS["random-splits"] else []) + ["advice.md"]
        logger.info(
            f"open {' and '.join(f'{RESULTS}/{name}' for name in names)} first; README.md says what else there is"
        )


def out_of_date(jobs):
    """The jobs whose results are not what is asked for now; once all workflows that there are have been read."""
    snakemake_parts.lift_job_rate_limit(workflow)
    if IMPORTED:
        snakemake_parts.run_hooks_of_imported(workflow, before_jobs, HOOKS.after_jobs)
    try:
        return HOOKS.out_of_date(jobs)
    except InputError as error:
        give_up(f"{error}")


if workflow.is_main_process:
    snakemake_parts.choose_also(DAG, out_of_date)
    snakemake_parts.before_reports(workflow, HOOKS.before_report)
