# Checks (preflight) and costs (plan) of a study before it is trained. Both rules have no output, so that they run
# whenever they are requested.


rule preflight:
    input:
        pictures="<results>/pictures" if INPUTS.drawn else [],
    log:
        "logs/preflight.log",  # not in the results directory, which may not be writable
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **TRAINING_RESOURCES,
    params:
        root=lambda wildcards: INPUTS.root,  # if it is missing, preflight reports it as a fault
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
