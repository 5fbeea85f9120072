# How transferable are features in deep neural networks? Table of contents of the workflow; see README.md for its use.
import os

from snakemake.utils import min_version

min_version("9.20")  # earlier versions read numbers in a profile as seconds (runtime) or bytes (mem_mb)


# The file of this repository, in whatever directory snakemake runs. A workflow that imports this one gives its own
# configuration instead.
configfile: os.path.relpath(f"{workflow.current_basedir}/config/config.yaml")


include: "workflow/rules/configuration.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/distance.smk"
include: "workflow/rules/images.smk"
include: "workflow/rules/launch.smk"
include: "workflow/rules/hooks.smk"


report: "workflow/report/study.rst"


onstart:
    HOOKS.before_jobs()


onsuccess:
    HOOKS.after_success()


onerror:
    HOOKS.after_jobs()


rule all:
    default_target: True
    input:
        STUDY.manifests,
        "<results>/accuracy.csv",
        expand("<results>/configuration.{kind}", kind=["yaml", "html"]),
        expand("<results>/{name}.{kind}", name=["figure1", "filters", "curves"], kind=["pdf", "png"]),
        expand("<results>/provenance.{kind}", kind=["csv", "md"]),
        made("figure2", INPUTS.folders(["random-splits"]), ["pdf", "png", "html"]),
        made(
            "figure3",
            INPUTS.folders(["random-splits", "manmade-natural", "random-filters"], treatments=["AnB", "random"]),
            ["pdf", "png"],
        ),
        made("figure4", INPUTS.folders(["mixed"]), ["pdf", "png"]),
        made(["distance", "distances"], INPUTS.folders(["mixed"]), ["csv", "md"]),
        made("figureS1", INPUTS.folders(["reduced"]), ["pdf", "png"]),
        made("tableS1", INPUTS.folders(["reduced"]), ["csv", "md"]),
        made(
            ["table1", "effects", "claims"],
            INPUTS.folders(["random-splits", "manmade-natural", "preserved"]),
            ["csv", "md"],
        ),
        made(["classes", "wordnet_nodes"], INPUTS.folders(OF_CLASSES), ["csv", "md"]),
        expand("<results>/rates.{kind}", kind=["csv", "md"]) if STUDY.searches else [],
        made("advice", INPUTS.folders(STUDY.experiments), ["csv", "md", "pdf", "png"]),
        "<results>/mistakes.md" if STUDY.copies_given_layers else [],
    localrule: True
