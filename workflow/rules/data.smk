# From images on disk to the one store of decoded images that all splits share. All networks stand on these files: they
# are made again when their settings change, or how images are drawn, listed or decoded. Where they come out as they were,
# no network is trained again.


rule draw_pictures:
    output:
        root=directory(f"{RESULTS}/pictures"),
    log:
        f"{RESULTS}/logs/draw_pictures.log",
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
        code=script_code("draw_pictures"),
    script:
        "../scripts/draw_pictures.py"


rule index:
    input:
        pictures=drawn_pictures,
    output:
        index=f"{RESULTS}/index.csv",
        checksum=f"{RESULTS}/index.csv.sha256",
    log:
        f"{RESULTS}/logs/index.log",
    priority: 2
    retries: 0  # an error here is the same each time
    conda:
        "../../envs/environment.yaml"
    params:
        root=lambda wildcards: None if DRAWN else ROOT,
        layout=config["dataset"]["layout"],
        validation=config["dataset"]["validation"],
        code=script_code("index"),
    script:
        "../scripts/index.py"


rule pack:
    input:
        pictures=drawn_pictures,
        index=rules.index.output.index,
    output:
        store=f"{RESULTS}/store.npy",
        checksums=f"{RESULTS}/store.crc32.npy",
        description=f"{RESULTS}/store.json",
    log:
        f"{RESULTS}/logs/pack.log",
    benchmark:
        f"{RESULTS}/benchmarks/pack.tsv"
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: 8
    resources:
        **LONG_JOB,
    params:
        root=lambda wildcards: None if DRAWN else ROOT,
        layout=config["dataset"]["layout"],
        size=config["dataset"]["image_size"],
        fit=config["dataset"]["fit"],
        orientation=config["dataset"]["orientation"],
        scale=config["dataset"]["scale"],
        store=config["dataset"]["store"],
        code=script_code("pack"),
    script:
        "../scripts/pack.py"
