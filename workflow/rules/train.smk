# One network, one job, which takes its recipe from the configuration. A job that was killed resumes from its state, and
# one that starts again finds what is finished: both are under state/, which is no rule's output. store.json records
# whether the store changed; the timestamps of the pixels do not count, as other studies may share them (dataset.store).


rule train_base:
    input:
        index=rules.index.output.index,
        store=ancient(rules.pack.output.store),
        checksums=ancient(rules.pack.output.checksums),
        description=rules.pack.output.description,
        manifest=manifest,
    output:
        weights=f"{RESULTS}/weights/{{split}}/{{network}}.safetensors",
        accuracy=f"{RESULTS}/accuracy/{{split}}/{{network}}.json",
        provenance=f"{RESULTS}/provenance/{{split}}/{{network}}.json",
    log:
        f"{RESULTS}/logs/train/{{split}}/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{split}}/{{network}}.tsv"
    wildcard_constraints:
        network="base[AB]?",
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    params:
        code=CODE,
    script:
        "../scripts/train.py"


# The whole set's: layers that are random, and few examples per class.
use rule train_base as train_whole with:
    output:
        accuracy=f"{RESULTS}/accuracy/{{split}}/{{network}}.json",
        provenance=f"{RESULTS}/provenance/{{split}}/{{network}}.json",
    wildcard_constraints:
        network=r"random[1-9]\d*|reduced-\d+",
    priority: 0


# First layers copied from a base network: B3B, B3B+, A3B, A3B+, A4~1B.
use rule train_whole as train_transfer with:
    input:
        index=rules.index.output.index,
        store=ancient(rules.pack.output.store),
        checksums=ancient(rules.pack.output.checksums),
        description=rules.pack.output.description,
        manifest=manifest,
        weights=base_weights,
    wildcard_constraints:
        network=r"[AB][1-9]\d*(~[1-9]\d*)?[AB]\+?",
