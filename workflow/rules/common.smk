# Shared by the other files here: paths, networks, wildcards, resources.
import os
from dataclasses import asdict
from pathlib import Path

from snakemake.logging import logger

from transferability.common.errors import counted
from transferability.runtime.processes import SNAKEMAKE, address
from transferability.study.architectures import has_the_papers_layers, layer_names, study_blueprint, study_layers
from transferability.study.grid import experiments, given_splits, splits, study_networks
from transferability.study.network import ALL, GIVEN, HALVES, MIXED, WHOLE, Network, given_name, targets
from transferability.study.paths import accuracy_file, weights_file

RESULTS = str(Path(config["results_dir"]))
RESOURCES = Path(os.path.relpath(REPOSITORY)) / "resources"  # a checkout that moves has the same inputs
EXPERIMENTS = experiments(config)
OF_CLASSES = [name for name in EXPERIMENTS if name != "given"]  # the paper's question, about the classes of one set
NETWORKS = study_networks(config)
ARCHITECTURE = config["network"]["architecture"]
BLUEPRINT = study_blueprint(config)
LAYERS = study_layers(config)
ALL_MANIFESTS = [f"{RESULTS}/splits/{split}/{half}.csv" for split in splits(config) for half in targets(split)]
TASKS = list(dict.fromkeys((network.split, network.target) for network in NETWORKS))
BASE_WEIGHTS = [
    str(weights_file(Path(RESULTS), network.split, network.name)) for network in NETWORKS if network.treatment == "base"
]


def result_prefixes(*names, treatments=()):
    """Prefixes of the results that show these experiments: this study's, if it has such networks, and the paper's.

    `treatments`, in the paper's notation, are those that it has to have one of; if none are given, any will do. A study
    of nothing but given networks has none of the paper's beside it.
    """
    networks = [network for name in names for network in EXPERIMENTS[name]]
    own = [""] if any(not treatments or network.notation in treatments for network in networks) else []
    return own + (["paper/"] if any(map(EXPERIMENTS.get, OF_CLASSES)) else [])


if workflow.is_main_process:
    logger.info(f"{counted(len(NETWORKS), 'network')} in the study of {RESULTS}")


# Jobs in an environment of their own (--software-deployment-method conda) find the library here. They read and write
# UTF-8 whatever the locale, import nothing from the working directory, and end when this snakemake does.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [f"{REPOSITORY}/workflow", os.getenv("PYTHONPATH")])))
os.environ.update({"PYTHONUTF8": "1", "PYTHONSAFEPATH": "1", SNAKEMAKE: address()})


wildcard_constraints:
    split=rf"random-\d+|manmade-natural|{MIXED}\d+-\d+|{GIVEN}[\w-]+-\d+|{WHOLE}",
    experiment="|".join(EXPERIMENTS),
    study="(paper/)?",  # below results/paper/, the same is made from the paper's own accuracies


# What long jobs ask for. Memory grows with each attempt, up to a bound; time need not, as each resumes where the last was.
LONG_JOB = {
    "mem_mb": lambda wildcards, attempt: min(
        attempt * config["jobs"]["mem_mb"], max(config["jobs"]["mem_mb"], config["jobs"]["mem_mb_max"])
    ),
    "runtime": config["jobs"]["runtime"],
}
TRAINING_RESOURCES = LONG_JOB | {"gpu": config["jobs"]["gpu"]}


def accuracy(network):
    """Path of a network's accuracy file."""
    return str(accuracy_file(Path(RESULTS), network.split, network.name))


def has_sides(split):
    """Whether the halves of a split rest on which classes are man-made and which natural."""
    return split == "manmade-natural" or split.startswith(MIXED)


def network_of(wildcards):
    """The network that a job with the wildcards `split` and `network` trains."""
    return Network.parse(wildcards.split, wildcards.network)


def result_files(names, studies, suffixes):
    """Paths of figures or tables: of this study (""), and those made from the paper's numbers ("paper/")."""
    return expand(f"{RESULTS}/{{study}}{{name}}.{{suffix}}", study=studies, name=names, suffix=suffixes)


def in_report(path, category, title):
    """A figure or table that is in the report, with the caption of its name in workflow/report/."""
    name = Path(path).stem.removeprefix("{study}")
    return report(
        path,
        caption=f"../report/{name}.rst",
        category=category,
        labels=lambda wildcards: {"result": title, "measured": "in the paper" if wildcards.get("study") else "here"},
    )
