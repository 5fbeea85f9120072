# How transferable are features in deep neural networks? Table of contents of the workflow; README.md says how to use it.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/figures.smk"


rule all:
    default_target: True
    input:
        ALL_MANIFESTS,
        f"{RESULTS}/accuracy.csv",
        figures("figure2"),
    localrule: True
