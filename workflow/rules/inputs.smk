# Input functions and parameters: what a job is made from, by its wildcards.
from functools import cache

from transferability.common.checksums import file_sha256
from transferability.runtime.code import SCRIPTS, code_fingerprint
from transferability.jobs.recipe import source_of, training_code
from transferability.jobs.weights_files import weights_says


def give_up(message):
    """End with one line. Snakemake shows a WorkflowError of an input function as a page with wildcards and a traceback."""
    logger.error(message)
    raise SystemExit(1)


def manifest(wildcards):
    """The classes that a network is trained and tested on."""
    return f"{RESULTS}/splits/{wildcards.split}/{network_of(wildcards).target}.csv"


def base_weights(wildcards):
    """The weights that a network's first layers are copied from."""
    network = network_of(wildcards)
    return str(weights_file(Path(RESULTS), network.split, f"base{network.source}"))


def given_file(wildcards):
    """A parameter: the file of a given network's weights."""
    return str(Path(config["given"]["weights"][given_name(wildcards.split)]).expanduser())


def given_checksum(wildcards):
    """A parameter: the checksum of this file or, if it is gone but was taken over before, the one that it had then.

    The file is no input of the rule: as the image set, it need not stay where it is.
    """
    file, taken_over = Path(given_file(wildcards)), weights_file(Path(RESULTS), wildcards.split, "baseA")
    if file.is_file():
        return cached_sha256(file)
    if taken_over.exists():
        return weights_says(taken_over).mark
    give_up(
        f"config key given.weights.{given_name(wildcards.split)}: {file} is no file; give that of a network's weights"
    )


def training_files(wildcards):
    """The files that the marks of an experiment's networks are made from."""
    files = [source_of(Path(RESULTS), network) for network in EXPERIMENTS[wildcards.experiment]]
    paths = [
        path for source in files for path in (source.index, source.description, source.manifest, source.weights) if path
    ]
    return [str(path) for path in dict.fromkeys(paths)]


# The directory of the image set: the drawn pictures, or the one that the configuration names. The latter is no input of
# rules: what else changes there does not matter, and braces in a path would be wildcards.
DRAWN = config["dataset"]["layout"] == "pictures"
ROOT = f"{RESULTS}/pictures" if DRAWN else str(Path(config["dataset"]["root"]).expanduser())


def drawn_pictures(wildcards):
    """The drawn pictures, as an input; nothing for other image sets, which have to be there."""
    if DRAWN:
        return ROOT
    if not Path(ROOT).exists() and not Path(f"{RESULTS}/index.csv").exists():  # what is done stays usable without them
        give_up(
            f"config key dataset.root: {ROOT} is not a directory or file; "
            "give the image set's, e.g. --config 'dataset={root: DIRECTORY}'"
        )
    return []


cached_sha256 = cache(file_sha256)  # of given weights, several splits of which come from one file

# What computes in a training job. The checksum ignores comments, docstrings, hints and messages.
CODE = code_fingerprint(*training_code(config["network"]["architecture"]))


def script_code(name):
    """A parameter: a checksum of a script and of all that it uses, with which the script compares its own.

    It is computed where a job needs it: a Slurm job has one rule.
    """
    return lambda wildcards: code_fingerprint(f"{SCRIPTS}.{name}")


def accuracy_tables(*names):
    """An input function: the accuracies of experiments, or below paper/ all of the paper's."""
    own = [f"{RESULTS}/accuracy/{name}.csv" for name in names]
    return lambda wildcards: [f"{RESULTS}/paper/accuracy.csv"] if wildcards.study else own


def accuracy_tables_by_class(*names):
    """An input function: the accuracies of experiments class by class; the paper's are not known."""
    own = [f"{RESULTS}/accuracy/{name}-by-class.csv" for name in names]
    return lambda wildcards: [] if wildcards.study else own


def plotted_measure(wildcards):
    """What a figure plots: the last test; the paper's, the mean of the ten best, selects on the validation set."""
    return "top1_best10" if wildcards.study else "top1"


def study_in_words(wildcards):
    """What a figure was made from: the image set, the network, and the length of training."""
    if wildcards.study:
        return "ImageNet (ILSVRC-2012), caffenet, 450,000 iterations"
    layout, (number, unit) = config["dataset"]["layout"], config["training"]["length"].split()
    images = layout if layout in ("pictures", "tiny-imagenet", "cifar-100") else Path(ROOT).absolute().name
    return f"{images}, {ARCHITECTURE}, {int(number):,} {unit}"


def class_table(wildcards):
    """A table of the study's classes, or below paper/ of ILSVRC-2012's."""
    return RESOURCES / "ilsvrc2012.csv" if wildcards.study else rules.index.output.index


def splits_with_distance(wildcards):
    """The splits into A and B, whose distance is measured; below paper/ the paper's."""
    if wildcards.study:
        return ["random-0", "random-1", "random-2", "random-3", "manmade-natural"]
    given = given_splits(config)
    return [split for split in splits(config) if split not in given]


def distances_for_claims(wildcards):
    """The distances of splits, which claim 9 rests on where there are splits between man-made/natural and random ones."""
    return [f"{RESULTS}/distances.csv"] if EXPERIMENTS["mixed"] and not wildcards.study else []


def layers_below_n(wildcards):
    """The names of layers that figures show below n; those of the paper's network go without saying."""
    return [] if wildcards.get("study") or has_the_papers_layers(ARCHITECTURE) else list(LAYERS)


def layers_of_study(wildcards):
    """The names of layers of this study's network, or below paper/ of the paper's."""
    return list(layer_names("caffenet") if wildcards.study else LAYERS)
