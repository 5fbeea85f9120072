# Which classes make up the halves A and B of each split. Like the store, made again when settings or code change.


rule split:
    input:
        index=rules.index.output.index,
    output:
        A=f"{RESULTS}/splits/{{split}}/A.csv",
        B=f"{RESULTS}/splits/{{split}}/B.csv",
        checksums=[f"{RESULTS}/splits/{{split}}/{half}.csv.sha256" for half in HALVES],
    log:
        f"{RESULTS}/logs/split/{{split}}.log",
    wildcard_constraints:
        split=f"random.*|manmade-natural|{MIXED}.*",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        # Other splits take no more from WordNet than names.
        wordnet=lambda wildcards: config["wordnet"] if has_sides(wildcards.split) else None,
        sides=lambda wildcards: config["splits"]["sides"] if has_sides(wildcards.split) else {},
        code=script_code("split"),
    script:
        "../scripts/split.py"


# All classes in one task, for random filters and reduced sets.
use rule split as split_whole with:
    output:
        all=f"{RESULTS}/splits/{{split}}/{ALL}.csv",
        checksum=f"{RESULTS}/splits/{{split}}/{ALL}.csv.sha256",
    wildcard_constraints:
        split=WHOLE,


# All classes as B, where A is a given network.
use rule split as split_given with:
    output:
        B=f"{RESULTS}/splits/{{split}}/B.csv",
        checksum=f"{RESULTS}/splits/{{split}}/B.csv.sha256",
    wildcard_constraints:
        split=f"{GIVEN}.*",


# A network that somebody trained, as the base network A.
ruleorder: import_weights > train_base


rule import_weights:
    output:
        weights=f"{RESULTS}/weights/{{split}}/baseA.safetensors",
    log:
        f"{RESULTS}/logs/import/{{split}}.log",
    wildcard_constraints:
        split=f"{GIVEN}.*",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        file=given_file,
        checksum=given_checksum,
        blueprint=asdict(BLUEPRINT),
        sizes={"crop": config["training"]["crop"], "image_size": config["dataset"]["image_size"]},
        code=script_code("import_weights"),
    script:
        "../scripts/import_weights.py"
