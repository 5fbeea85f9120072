# One network, one job. A job that was killed goes on from its state under state/, which is no rule's output.


rule train_base:
    input:
        index=rules.index.output.index,
        store=rules.pack.output.store,
        description=rules.pack.output.description,
        manifest=f"{RESULTS}/splits/{{split}}/{{half}}.csv",
    output:
        weights=f"{RESULTS}/weights/{{split}}/base{{half}}.safetensors",
        accuracy=f"{RESULTS}/accuracy/{{split}}/base{{half}}.json",
        provenance=f"{RESULTS}/provenance/{{split}}/base{{half}}.json",
    log:
        f"{RESULTS}/logs/train/{{split}}/base{{half}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{split}}/base{{half}}.tsv"
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    params:
        **TRAINING_PARAMS,
    script:
        "../scripts/train_base.py"


rule train_transfer:
    input:
        index=rules.index.output.index,
        store=rules.pack.output.store,
        description=rules.pack.output.description,
        manifest=lambda wildcards: f"{RESULTS}/splits/{{split}}/{network_of(wildcards).target}.csv",
        weights=base_weights,
    output:
        accuracy=f"{RESULTS}/accuracy/{{split}}/{{copied}}.json",
        provenance=f"{RESULTS}/provenance/{{split}}/{{copied}}.json",
    log:
        f"{RESULTS}/logs/train/{{split}}/{{copied}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{split}}/{{copied}}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    params:
        **TRAINING_PARAMS,
    script:
        "../scripts/train_transfer.py"
