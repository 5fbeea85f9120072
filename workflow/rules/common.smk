# Shared by the other files of rules: the study, the paths of its results, wildcards, resources.
import os
import re
from dataclasses import asdict
from pathlib import Path

from snakemake.logging import logger

from transferability.common.errors import counted
from transferability.datasets.holding_out import HoldOut
from transferability.runtime.inputs import Inputs
from transferability.runtime.up_to_date import code_of
from transferability.study.network import ALL, GIVEN, HALVES, MIXED, WHOLE
from transferability.study.rates import FAMILIES
from transferability.study.study_plan import StudyPlan

STUDY = StudyPlan(config)
INPUTS = Inputs(STUDY, Path(os.path.relpath(REPOSITORY)) / "resources")  # relative: the same after a checkout moves
CODE = code_of(STUDY)  # checksums of the code of training jobs
OF_CLASSES = [name for name in STUDY.experiments if name != "given"]  # the classes of one image set are compared
SEARCHED_RATES = config["training"]["learning_rate"] if STUDY.searches else []
ALL_ACCURACIES = [STUDY.results.accuracy(network.split, network.name) for network in STUDY.networks]

if workflow.is_main_process:
    for remark in remarks:
        logger.warning(f"configuration: {remark}; the old name is accepted in this version only")
    logger.info(f"{counted(len(STUDY.networks), 'network')} in the study of {STUDY.results.root}")


pathvars:
    results=str(STUDY.results.root),
    logs=str(STUDY.results.logs),
    benchmarks=str(STUDY.results.root / "benchmarks"),


# Rules whose outputs begin with {folder} make a figure or table twice: in <results> from this study's accuracies, and
# in <results>/paper from the paper's.
wildcard_constraints:
    folder="|".join(map(re.escape, (str(STUDY.results.root), str(INPUTS.paper)))),
    split=rf"random-\d+|manmade-natural|{MIXED}\d+-\d+|{GIVEN}[\w-]+-\d+|{WHOLE}",
    experiment="|".join(STUDY.experiments),
    family="|".join(FAMILIES),


# Resources of long jobs. Memory grows with each attempt, up to a limit. The time does not: each attempt resumes.
LONG_JOB = {
    "mem_mb": lambda wildcards, attempt: min(
        attempt * config["jobs"]["mem_mb"], max(config["jobs"]["mem_mb"], config["jobs"]["mem_mb_max"])
    ),
    "runtime": config["jobs"]["runtime"],
}
TRAINING_RESOURCES = LONG_JOB | {"gpu": config["jobs"]["gpu"]}


def in_report(path, category, title):
    """Mark a figure or table for the report; its caption is the file of the same name in workflow/report/."""
    return report(
        path,
        caption=f"../report/{Path(path).stem}.rst",
        category=category,
        labels=lambda wildcards: {
            "result": title,
            "measured": "in the paper" if INPUTS.is_paper(wildcards) else "here",
        },
    )


def made(names, folders, kinds):
    """Return the files of figures or tables with these names, in these folders."""
    return expand("{folder}/{name}.{kind}", folder=folders, name=names, kind=kinds)


def or_give_up(function):
    """Return an input function that reports an InputError in one line, instead of Snakemake's long traceback."""

    def answer(given):
        """Return what the function returns."""
        try:
            return function(given)
        except InputError as error:
            logger.error(f"{error}")
            raise SystemExit(1)

    return answer
