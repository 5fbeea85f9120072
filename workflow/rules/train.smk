# One job per network, which takes its recipe from the configuration. A job that was killed resumes from its checkpoint;
# a job whose network is finished restores it. Checkpoints and finished networks are under state/, which is not the
# output of a rule. store.json records whether the store changed; the timestamps of the pixels do not count, because
# other studies may share them (dataset.store).


rule train_base:
    input:
        index="<results>/index.csv",
        store=ancient("<results>/store.npy"),
        checksums=ancient("<results>/store.crc32.npy"),
        description="<results>/store.json",
        manifest=INPUTS.manifest,
        rates=INPUTS.rates,
    output:
        weights="<results>/weights/{split}/{network}.safetensors",
        accuracy="<results>/accuracy/{split}/{network}.json",
        provenance="<results>/provenance/{split}/{network}.json",
    log:
        "<logs>/train/{split}/{network}.log",
    benchmark:
        "<benchmarks>/train/{split}/{network}.tsv"
    wildcard_constraints:
        network="base[AB]?",
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    params:
        code=lambda wildcards: CODE[STUDY.model(wildcards.split).architecture],
    message:
        "train {wildcards.split}/{wildcards.network}: {threads} threads, {resources.gpu} GPUs, {resources.mem_mb} MB, {resources.runtime} min"
    script:
        "../scripts/train.py"


# Networks on the whole set, with random layers or with few examples per class.
use rule train_base as train_whole with:
    output:
        accuracy="<results>/accuracy/{split}/{network}.json",
        provenance="<results>/provenance/{split}/{network}.json",
    wildcard_constraints:
        network=r"random[1-9]\d*|reduced-\d+",
    priority: 0


# Networks whose first layers are copied from a base network: B3B, B3B+, A3B, A3B+, A4~1B.
use rule train_whole as train_transfer with:
    input:
        index="<results>/index.csv",
        store=ancient("<results>/store.npy"),
        checksums=ancient("<results>/store.crc32.npy"),
        description="<results>/store.json",
        manifest=INPUTS.manifest,
        rates=INPUTS.rates,
        weights=INPUTS.base_weights,
    wildcard_constraints:
        network=r"[AB][1-9]\d*(~[1-9]\d*)?[AB]\+?",


# The learning rate of a family of networks, if config key training.learning_rate is a list. All rates are tried in one
# job, which does not resume.
rule search_rates:
    input:
        index="<results>/index.csv",
        store=ancient("<results>/store.npy"),
        checksums=ancient("<results>/store.crc32.npy"),
        description="<results>/store.json",
        manifest="<results>/splits/{split}/B.csv",
        weights=INPUTS.searched_weights,
    output:
        rates="<results>/rates/{split}/{family}.json",
    log:
        "<logs>/rates/{split}/{family}.log",
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES | {"runtime": config["jobs"]["runtime"] * len(SEARCHED_RATES)},
    params:
        recipe=lambda wildcards: INPUTS.searched_recipe(wildcards, CODE),
        rates=SEARCHED_RATES,
    message:
        "search the learning rate of {wildcards.split}, {wildcards.family}: {params.rates}"
    script:
        "../scripts/search_rates.py"


rule rates:
    input:
        [STUDY.results.rates(split, family) for split, family in STUDY.searches],
    output:
        csv="<results>/rates.csv",
        md="<results>/rates.md",
        html=in_report("<results>/rates.html", "Tables", "Learning rates"),
    log:
        "<logs>/rates.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "list the learning rates"
    script:
        "../scripts/rates.py"
