# Before GPU-weeks are spent: is everything in order (preflight), and what will it cost (plan)? Both rules have no output,
# so that they run whenever they are asked for.


rule preflight:
    input:
        pictures="<results>/pictures" if INPUTS.drawn else [],
    log:
        "logs/preflight.log",  # not among results, which may turn out not to be writable
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **TRAINING_RESOURCES,
    params:
        root=lambda wildcards: INPUTS.root,  # that it is missing is one of the faults
    message:
        "check images, splits, networks, disk and device"
    script:
        "../scripts/preflight.py"


rule plan:
    input:
        index="<results>/index.csv",
        manifests=[STUDY.results.manifest(split, target) for split, target in STUDY.tasks],
    log:
        "<logs>/plan.log",
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    message:
        "estimate what is left to train"
    script:
        "../scripts/plan.py"
