# How transferable are features in deep neural networks? Table of contents of the workflow; README.md says how to use it.
import os

from snakemake.utils import min_version

min_version("9.20")  # before, a number in a profile was seconds (runtime) or bytes (mem_mb)


# This repository's, wherever snakemake runs. A workflow that imports this one gives a configuration instead.
configfile: os.path.relpath(f"{workflow.current_basedir}/config/config.yaml")


include: "workflow/rules/configuration.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/distance.smk"
include: "workflow/rules/launch.smk"
include: "workflow/rules/hooks.smk"


report: "workflow/report/study.rst"


onstart:
    before_jobs()


onsuccess:
    after_success()


onerror:
    HOOKS.after_jobs()


rule all:
    default_target: True
    input:
        ALL_MANIFESTS,
        f"{RESULTS}/accuracy.csv",
        result_files(["configuration"], [""], ["yaml", "html"]),
        result_files(["figure1", "filters", "curves"], [""], ["pdf", "png"]),
        result_files(["figure2"], result_prefixes("random-splits"), ["pdf", "png", "html"]),
        result_files(
            ["figure3"],
            result_prefixes("random-splits", "manmade-natural", "random-filters", treatments=["AnB", "random"]),
            ["pdf", "png"],
        ),
        result_files(["figure4"], result_prefixes("mixed"), ["pdf", "png"]),
        result_files(["distance", "distances"], result_prefixes("mixed"), ["csv", "md"]),
        result_files(["figureS1"], result_prefixes("reduced"), ["pdf", "png"]),
        result_files(["provenance"], [""], ["csv", "md"]),
        result_files(
            ["table1", "effects", "claims"],
            result_prefixes("random-splits", "manmade-natural", "preserved"),
            ["csv", "md"],
        ),
        result_files(["advice"], result_prefixes(*EXPERIMENTS), ["csv", "md", "pdf", "png"]),
        result_files(["classes", "wordnet_nodes"], result_prefixes(*OF_CLASSES), ["csv", "md"]),
        result_files(["tableS1"], result_prefixes("reduced"), ["csv", "md"]),
    localrule: True
