# What more than one rule file needs: the checked configuration, paths, wildcards, resources.
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


wildcard_constraints:
    split=r"random-\d+|manmade-natural",
    half="[AB]",
    copied=r"[AB][1-7][AB]\+?",  # the name of a network with copied layers: B3B, B3B+, A3B, A3B+
    study="(paper/)?",  # below results/paper/, the same is made from the paper's own accuracies


# What every training job asks for; memory and time grow with each attempt.
TRAINING_RESOURCES = {
    "mem_mb": lambda wildcards, attempt: attempt * config["jobs"]["mem_mb"],
    "runtime": lambda wildcards, attempt: attempt * config["jobs"]["runtime"],
    "gpu": config["jobs"]["gpu"],
}

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


def figures(*names):
    """Paths of figures, PDF and PNG, drawn from this study and from the paper's numbers."""
    return expand(f"{RESULTS}/{{study}}{{name}}.{{suffix}}", study=["", "paper/"], name=names, suffix=["pdf", "png"])
