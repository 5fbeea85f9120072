# How transferable are features in deep neural networks? Table of contents of the workflow; README.md says how to use it.
import os

from snakemake.utils import min_version

min_version("9.0")


# This repository's, wherever snakemake runs. A workflow that imports this one gives a configuration instead.
configfile: os.path.relpath(f"{workflow.current_basedir}/config/config.yaml")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/launch.smk"
include: "workflow/rules/hooks.smk"


report: "workflow/report/study.rst"


onstart:
    before_jobs()


onsuccess:
    after_success()


onerror:
    after_failure()


rule all:
    default_target: True
    input:
        ALL_MANIFESTS,
        f"{RESULTS}/accuracy.csv",
        made(["figure1", "filters", "curves"], [""], ["pdf", "png"]),
        made(["figure2", "figure3"], ["", "paper/"], ["pdf", "png"]),
        made(["figureS1"], [""] * bool(EXPERIMENTS["reduced"]) + ["paper/"], ["pdf", "png"]),
        made(["provenance"], [""], ["csv", "md"]),
        made(["table1", "effects", "claims", "classes", "wordnet_nodes"], ["", "paper/"], ["csv", "md"]),
        made(["tableS1"], [""] * bool(EXPERIMENTS["reduced"]) + ["paper/"], ["csv", "md"]),
    localrule: True
