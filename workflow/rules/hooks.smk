# Hooks that run before jobs are chosen, before they start and after they have ended: transferability.runtime.hooks.
from snakemake.dag import DAG

from transferability.runtime import snakemake_parts
from transferability.runtime.hooks import Hooks

HOOKS = Hooks(workflow, STUDY, CODE, REPOSITORY, IMPORTED, say=logger.info)
if workflow.is_main_process:
    snakemake_parts.choose_also(DAG, or_give_up(HOOKS.out_of_date))
    snakemake_parts.before_reports(workflow, HOOKS.before_report)
