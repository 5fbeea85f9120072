# The classes of the halves A and B of each split. Like the store, they are made again if settings or code change.


rule split:
    input:
        index="<results>/index.csv",
    output:
        A="<results>/splits/{split}/A.csv",
        B="<results>/splits/{split}/B.csv",
        checksums=[f"<results>/splits/{{split}}/{half}.csv.sha256" for half in HALVES],
    log:
        "<logs>/split/{split}.log",
    wildcard_constraints:
        split=f"manmade-natural|{MIXED}.*",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        wordnet=config["wordnet"],
        sides=config["splits"]["sides"],
    message:
        "divide the classes: {wildcards.split}"
    script:
        "../scripts/split.py"


# Random splits take only the names of classes from WordNet.
use rule split as split_randomly with:
    wildcard_constraints:
        split="random.*",
    params:
        wordnet=None,
        sides={},


# All classes in one task, for random filters and reduced sets.
use rule split_randomly as split_whole with:
    output:
        all=f"<results>/splits/{{split}}/{ALL}.csv",
        checksum=f"<results>/splits/{{split}}/{ALL}.csv.sha256",
    wildcard_constraints:
        split=WHOLE,


# All classes as B, for splits whose A is a given network.
use rule split_randomly as split_given with:
    output:
        B="<results>/splits/{split}/B.csv",
        checksum="<results>/splits/{split}/B.csv.sha256",
    wildcard_constraints:
        split=f"{GIVEN}.*",


# A given network as the base network A.
ruleorder: import_weights > train_base


rule import_weights:
    output:
        weights="<results>/weights/{split}/baseA.safetensors",
    log:
        "<logs>/import/{split}.log",
    wildcard_constraints:
        split=f"{GIVEN}.*",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        file=INPUTS.given_file,
        checksum=or_give_up(INPUTS.given_checksum),
        blueprint=lambda wildcards: asdict(STUDY.model(wildcards.split).blueprint),
        sizes={"crop": STUDY.input_size, "image_size": STUDY.image_size},
    message:
        "import weights: {wildcards.split}"
    script:
        "../scripts/import_weights.py"
