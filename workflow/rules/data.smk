# From images on disk to the store of decoded images, which all splits share. All networks depend on these files. The
# files are made again if their settings change, or the code that draws, lists or decodes images. If their content stays
# the same, no network is trained again.


rule draw_pictures:
    output:
        root=directory("<results>/pictures"),
    log:
        "<logs>/draw_pictures.log",
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **LONG_JOB,
    params:
        pictures=config["pictures"],
        size=config["dataset"]["image_size"],
        seed=config["seed"],
    message:
        "draw the pictures"
    script:
        "../scripts/draw_pictures.py"


rule index:
    input:
        pictures=or_give_up(INPUTS.pictures),
    output:
        index="<results>/index.csv",
        checksum="<results>/index.csv.sha256",
    log:
        "<logs>/index.log",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        root=lambda wildcards: None if INPUTS.drawn else INPUTS.root,
        layout=config["dataset"]["layout"],
        held_out=asdict(HoldOut.of(config["dataset"])),
    message:
        "list the images"
    script:
        "../scripts/index.py"


rule pack:
    input:
        pictures=or_give_up(INPUTS.pictures),
        index="<results>/index.csv",
    output:
        store="<results>/store.npy",
        checksums="<results>/store.crc32.npy",
        description="<results>/store.json",
    log:
        "<logs>/pack.log",
    benchmark:
        "<benchmarks>/pack.tsv"
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **LONG_JOB,
    params:
        root=lambda wildcards: None if INPUTS.drawn else INPUTS.root,
        layout=config["dataset"]["layout"],
        size=config["dataset"]["image_size"],
        fit=config["dataset"]["fit"],
        orientation=config["dataset"]["orientation"],
        scale=config["dataset"]["scale"],
        store=config["dataset"]["store"],
    message:
        "decode all images into the store"
    script:
        "../scripts/pack.py"
