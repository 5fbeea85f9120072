# Shared by the other files here: the checked configuration, paths, wildcards, resources, input functions.
import json
import os
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from transferability.config import validate_config
from transferability.errors import InputError
from transferability.fingerprint import code_fingerprint
from transferability.lifeline import SNAKEMAKE, address
from transferability.marks import Recipe, recipe_of, source_of
from transferability.networks import ALL, HALVES, WHOLE, Network, experiments, splits, study_networks

# What Snakemake itself cannot do ends here with one error, not in every job.
if (
    sys.getfilesystemencoding() != "utf-8"
    and not f"{json.dumps(config, ensure_ascii=False, default=str)}{Path.cwd()}".isascii()
):
    raise WorkflowError(
        "the configuration or the path of the working directory has letters beyond ASCII, which snakemake does not read "
        "right in this locale; export PYTHONUTF8=1 and run again"
    )
if any(map(str.isspace, sys.executable)):
    raise WorkflowError(
        f"snakemake cannot run jobs with a Python in a path with spaces: {sys.executable}; move the checkout (or the "
        "environment) to a path without, and set it up again there"
    )
if set("{}") & set(str(workflow.basedir)):
    raise WorkflowError(
        f"snakemake takes braces in the path of a checkout for wildcards: {workflow.basedir}; move it to a path without"
    )
try:
    validate_config(config, map(Path, workflow.configfiles))
except InputError as error:
    raise WorkflowError(f"the configuration is wrong\n{error}")

RESULTS = config["results_dir"].rstrip("/")
RESOURCES = Path(os.path.relpath(workflow.basedir)) / "resources"  # a checkout that moves has the same inputs
EXPERIMENTS = experiments(config)
NETWORKS = study_networks(config)
ALL_MANIFESTS = expand(f"{RESULTS}/splits/{{split}}/{{half}}.csv", split=splits(config), half=HALVES)
TASKS = list(dict.fromkeys((network.split, network.target) for network in NETWORKS))
BASE_WEIGHTS = [
    f"{RESULTS}/weights/{network.split}/{network.name}.safetensors"
    for network in NETWORKS
    if network.treatment == "base"
]

if workflow.is_main_process:
    logger.info(f"{len(NETWORKS)} networks in the study of {RESULTS}")


# Jobs in an environment of their own (--software-deployment-method conda) find the library here. They read and write
# UTF-8 whatever the locale, and end when this snakemake does.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [f"{workflow.basedir}/workflow", os.getenv("PYTHONPATH")])))
os.environ.update({"PYTHONUTF8": "1", SNAKEMAKE: address()})


wildcard_constraints:
    split=r"random-\d+|manmade-natural|whole",
    experiment="|".join(EXPERIMENTS),
    study="(paper/)?",  # below results/paper/, the same is made from the paper's own accuracies


# What long jobs ask for. Memory grows with each attempt, up to a bound; time need not, as each goes on where the last was.
LONG_JOB = {
    "mem_mb": lambda wildcards, attempt: min(
        attempt * config["jobs"]["mem_mb"], max(config["jobs"]["mem_mb"], config["jobs"]["mem_mb_max"])
    ),
    "runtime": config["jobs"]["runtime"],
}
TRAINING_RESOURCES = LONG_JOB | {"gpu": config["jobs"]["gpu"]}


def kept(path, product):
    """The input `path`, which has to be there for `product` to count as up to date: if it was deleted, both are made anew.

    Snakemake by itself does not miss a file that lies between two others that are there. Of a network that is finished
    with what is made anew, nothing is trained again.
    """
    if not Path(path).exists() and Path(product).exists():
        workflow.dag.forcefiles.add(product)
    return path


def accuracy(network):
    """Path of a network's accuracy file."""
    return f"{RESULTS}/accuracy/{network.split}/{network.name}.json"


def network_of(wildcards):
    """The network that a job with the wildcards `split` and `network` trains."""
    return Network.parse(wildcards.split, wildcards.network)


def manifest(wildcards):
    """The classes that a network is trained and tested on."""
    return f"{RESULTS}/splits/{wildcards.split}/{network_of(wildcards).target}.csv"


def base_weights(wildcards):
    """The weights that a network's first layers are copied from."""
    network = network_of(wildcards)
    return kept(f"{RESULTS}/weights/{network.split}/base{network.source}.safetensors", accuracy(network))


def sources(wildcards):
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


def pictures(wildcards):
    """The drawn pictures, as an input; nothing for other image sets, which have to be there."""
    if DRAWN:
        return ROOT
    if not Path(ROOT).is_dir() and not Path(f"{RESULTS}/index.csv").exists():  # what is done stays usable without them
        raise WorkflowError(
            f"config key dataset.root: {ROOT} is not a directory; "
            "give the image set's, e.g. --config 'dataset={root: DIRECTORY}'"
        )
    return []


# What computes in a training job. The checksum ignores comments, docstrings and messages.
TRAINING_CODE = code_fingerprint("assembly")


@cache
def recipe(network):
    """How a network is trained."""
    return recipe_of(config, network, TRAINING_CODE)


def of_recipe(name):
    """A parameter: one part of how a network is trained, by value."""
    return lambda wildcards: getattr(recipe(network_of(wildcards)), name)


RECIPE = {field.name: of_recipe(field.name) for field in fields(Recipe)}


def made_from(product, paths):
    """An input function: what `paths` gives for a job's wildcards, kept for its `product` (a path with wildcards)."""
    return lambda wildcards: [kept(path, product.format(**wildcards)) for path in paths(wildcards)]


def tables(product, *names):
    """An input function: the accuracies of experiments, or below paper/ all of the paper's, that `product` is made from."""
    own = [f"{RESULTS}/accuracy/{name}.csv" for name in names]
    return made_from(product, lambda wildcards: [f"{RESULTS}/paper/accuracy.csv"] if wildcards.study else own)


def tables_by_class(product, *names):
    """An input function: the accuracies of experiments class by class; the paper's are not known."""
    own = [f"{RESULTS}/accuracy/{name}-by-class.csv" for name in names]
    return made_from(product, lambda wildcards: [] if wildcards.study else own)


def measure(wildcards):
    """What a figure plots: the last test; the paper's, the mean of the ten best, selects on the validation set."""
    return "top1_best10" if wildcards.study else "top1"


def classes_of(wildcards):
    """A table of the classes at hand, or below paper/ of ILSVRC-2012's."""
    return RESOURCES / "ilsvrc2012.csv" if wildcards.study else rules.index.output.index


def made(names, studies, suffixes):
    """Paths of figures or tables: of this study (""), and those made from the paper's numbers ("paper/")."""
    return expand(f"{RESULTS}/{{study}}{{name}}.{{suffix}}", study=studies, name=names, suffix=suffixes)


def shown(path, category, title):
    """A figure or table that is in the report, with the caption of its name in workflow/report/."""
    name = Path(path).stem.removeprefix("{study}")
    return report(
        path,
        caption=f"../report/{name}.rst",
        category=category,
        labels=lambda wildcards: {"result": title, "from": "the paper" if wildcards.get("study") else "this study"},
    )
