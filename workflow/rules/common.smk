# Shared by the other files here: the checked configuration, paths, wildcards, resources, input functions.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

from transferability.config import validate_config
from transferability.errors import InputError
from transferability.fingerprint import code_fingerprint
from transferability.networks import HALVES, Network, splits, study_networks

try:
    validate_config(config, map(Path, workflow.configfiles))
except InputError as error:
    raise WorkflowError(f"the configuration is wrong\n{error}")

RESULTS = config["results_dir"].rstrip("/")
RESOURCES = Path(workflow.basedir) / "resources"
NETWORKS = study_networks(config)
ALL_MANIFESTS = expand(f"{RESULTS}/splits/{{split}}/{{half}}.csv", split=splits(config), half=HALVES)


# Jobs in an environment of their own (--software-deployment-method conda) find the library here.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [f"{workflow.basedir}/workflow", os.getenv("PYTHONPATH")])))


wildcard_constraints:
    split=r"random-\d+|manmade-natural",
    half="[AB]",
    copied=r"[AB][1-7][AB]\+?",  # the name of a network with copied layers: B3B, B3B+, A3B, A3B+
    study="(paper/)?",  # below results/paper/, the same is made from the paper's own accuracies


# What long jobs ask for; memory and time grow with each attempt.
LONG_JOB = {
    "mem_mb": lambda wildcards, attempt: attempt * config["jobs"]["mem_mb"],
    "runtime": lambda wildcards, attempt: attempt * config["jobs"]["runtime"],
}
TRAINING_RESOURCES = LONG_JOB | {"gpu": config["jobs"]["gpu"]}

# What every training job depends on besides files. The checksum of the training code ignores comments and docstrings.
TRAINING_PARAMS = {
    "architecture": config["network"]["architecture"],
    "training": config["training"],
    "seed": config["seed"],
    "code": code_fingerprint("training"),
}


def kept(path, product):
    """The input `path`, which has to be there for `product` to count as up to date: if it was deleted, both are made anew.

    Snakemake by itself does not miss a file that lies between two others that are there.
    """
    if not Path(path).exists() and Path(product).exists():
        workflow.dag.forcefiles.add(product)
    return path


def accuracy(network):
    """Path of a network's accuracy file."""
    return f"{RESULTS}/accuracy/{network.split}/{network.name}.json"


def network_of(wildcards):
    """The network that a job with the wildcards `split` and `copied` trains."""
    return Network.parse(wildcards.split, wildcards.copied)


def base_weights(wildcards):
    """The weights that a network's first layers are copied from."""
    network = network_of(wildcards)
    return kept(f"{RESULTS}/weights/{network.split}/base{network.source}.safetensors", accuracy(network))


def dataset_root(wildcards):
    """The directory of the image set: the drawn pictures, or the one that the configuration names."""
    if config["dataset"]["layout"] == "pictures":
        return f"{RESULTS}/pictures"
    root = Path(config["dataset"]["root"]).expanduser()
    if not root.is_dir() and not Path(f"{RESULTS}/index.csv").exists():  # what is done stays usable without the images
        raise WorkflowError(
            f"config key dataset.root: {root} is not a directory; "
            "give the image set's, e.g. --config 'dataset={root: DIRECTORY}'"
        )
    return ancient(str(root))  # what else changes there must not retrain a network


def figures(*names):
    """Paths of figures, PDF and PNG, drawn from this study and from the paper's numbers."""
    return expand(f"{RESULTS}/{{study}}{{name}}.{{suffix}}", study=["", "paper/"], name=names, suffix=["pdf", "png"])
