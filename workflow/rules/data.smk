# From images on disk to the one store of decoded images that all splits share.


def dataset_root(wildcards):
    """The directory of the image set: the drawn pictures, or the one that the configuration names."""
    if config["dataset"]["layout"] == "pictures":
        return rules.draw_pictures.output.root
    root = Path(config["dataset"]["root"])
    if not root.is_dir():
        raise WorkflowError(
            f"config key dataset.root: {root} is not a directory; "
            "give the image set's, e.g. --config 'dataset={root: DIRECTORY}'"
        )
    return ancient(str(root))  # what else changes there must not retrain a network


rule draw_pictures:
    output:
        root=directory(f"{RESULTS}/pictures"),
    log:
        f"{RESULTS}/logs/draw_pictures.log",
    threads: 8
    params:
        pictures=config["pictures"],
        size=config["dataset"]["image_size"],
        seed=config["seed"],
        code=code_fingerprint("pictures"),
    script:
        "../scripts/draw_pictures.py"


rule index:
    input:
        root=dataset_root,
    output:
        index=f"{RESULTS}/index.csv",
    log:
        f"{RESULTS}/logs/index.log",
    params:
        layout=config["dataset"]["layout"],
        code=code_fingerprint("layouts"),
    script:
        "../scripts/index.py"


rule pack:
    input:
        root=dataset_root,
        index=rules.index.output.index,
    output:
        store=f"{RESULTS}/store.npy",
        description=f"{RESULTS}/store.json",
    log:
        f"{RESULTS}/logs/pack.log",
    benchmark:
        f"{RESULTS}/benchmarks/pack.tsv"
    threads: 64
    params:
        size=config["dataset"]["image_size"],
        code=code_fingerprint("store"),
    script:
        "../scripts/pack.py"
