# All accuracies in one tidy table: this study's, and the paper's in the same columns.


rule collect:
    input:
        lambda wildcards: [kept(accuracy(network), f"{RESULTS}/accuracy.csv") for network in NETWORKS],
    output:
        accuracy=f"{RESULTS}/accuracy.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_fingerprint("results"),
    message:
        "collect the accuracies of all networks"
    script:
        "../scripts/collect.py"


rule collect_paper:
    input:
        RESOURCES / "paper_accuracies.csv",
    output:
        accuracy=f"{RESULTS}/paper/accuracy.csv",
    log:
        f"{RESULTS}/logs/collect_paper.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=code_fingerprint("results"),
    script:
        "../scripts/collect_paper.py"
