# Before GPU-weeks are spent: is everything in order (preflight), and what will it cost (plan)? Both rules have no output,
# so that they run whenever they are asked for.


rule preflight:
    input:
        pictures=rules.draw_pictures.output.root if DRAWN else [],
    log:
        "logs/preflight.log",  # not among results, which may turn out not to be writable
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **TRAINING_RESOURCES,
    params:
        root=lambda wildcards: ROOT,  # that it is missing is one of the faults
    script:
        "../scripts/preflight.py"


rule plan:
    input:
        index=rules.index.output.index,
        manifests=[f"{RESULTS}/splits/{split}/{target}.csv" for split, target in TASKS],
    log:
        f"{RESULTS}/logs/plan.log",
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    script:
        "../scripts/plan.py"
