"""The input functions and parameters of the rules: the inputs of a job, given its wildcards.

The same rules make figures and tables twice: from the study's accuracies in its results directory, and from the
paper's accuracies in the folder "paper" below it. `wildcards.folder` is one of the two.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from transferability.common.checksums import file_sha256
from transferability.common.errors import InputError
from transferability.jobs.recipe import deciding, recipe_of, source_of
from transferability.jobs.weights_files import weights_says
from transferability.study.architectures import layer_names
from transferability.study.given_arms import first_repeat, first_repeats
from transferability.study.grid import given_splits
from transferability.study.model import given_row
from transferability.study.network import Network, given_name
from transferability.study.rates import family_of, is_searched, searched_split
from transferability.study.study_plan import StudyPlan

Wildcards = Any  # Snakemake's: attributes split, network, folder, experiment, if the rule has them
PAPERS_SPLITS = ["random-0", "random-1", "random-2", "random-3", "manmade-natural"]


class Inputs:
    """Input functions of one study. `resources` is the repository's directory of data files."""

    def __init__(self, study: StudyPlan, resources: Path):
        self._study, self._results, self.resources = study, study.results, resources
        self.paper = self._results.root / "paper"
        dataset = study.config["dataset"]
        self.drawn = dataset["layout"] == "pictures"
        # Images are not an input of rules: other files in their directory may change, and braces would be wildcards.
        self.root = str(self._results.root / "pictures") if self.drawn else str(Path(dataset["root"]).expanduser())

    def manifest(self, wildcards: Wildcards) -> str:
        """The classes that a network is trained and tested on."""
        return str(source_of(self._results, network_of(wildcards)).manifest)

    def base_weights(self, wildcards: Wildcards) -> str:
        """The weights that a network's first layers are copied from."""
        return str(source_of(self._results, network_of(wildcards)).weights)

    def searched_weights(self, wildcards: Wildcards) -> list[str]:
        """The weights that a search for a learning rate copies from; none from scratch."""
        weights = source_of(self._results, self._study.searches[wildcards.split, wildcards.family]).weights
        return [str(weights)] if weights else []

    def searched_recipe(self, wildcards: Wildcards, code: Mapping[str, str]) -> dict:
        """What decides the result of a search for a learning rate, beside the rates and the inputs."""
        network = self._study.searches[wildcards.split, wildcards.family]
        own_code = code[self._study.model(wildcards.split).architecture]
        return deciding(recipe_of(self._study, network, own_code, rate=0))

    def rates(self, wildcards: Wildcards) -> list[str]:
        """The learning rate that was found for a network's family, if the study searches rates."""
        if not is_searched(self._study.config["training"]):
            return []
        network = network_of(wildcards)
        return [str(self._results.rates(searched_split(network.split), family_of(network)))]

    def pictures(self, _wildcards: Wildcards) -> str | list[str]:
        """The drawn pictures. Other image sets are not an input; raises InputError if they are needed and missing."""
        if self.drawn:
            return self.root
        if not Path(self.root).exists() and not self._results.index.exists():  # finished results do not need them
            raise InputError(
                f"config key dataset.root: {self.root} is not a directory or file; "
                "give the image set's, e.g. --config 'dataset={root: DIRECTORY}'"
            )
        return []

    def given_file(self, wildcards: Wildcards) -> str:
        """The file with the weights of a given network."""
        row = given_row(self._study.config, given_name(wildcards.split))
        return str(Path(row["weights"]).expanduser())

    def given_checksum(self, wildcards: Wildcards) -> str:
        """The checksum of this file; if it is missing but was imported, the checksum that it had then.

        The file is not an input of the rule: like the image set, it may be moved once it has been read.
        """
        file, imported = Path(self.given_file(wildcards)), self._results.weights(wildcards.split, "baseA")
        if file.is_file():
            return _sha256(file)
        if imported.exists():
            return weights_says(imported).mark
        name = given_name(wildcards.split)
        raise InputError(f"config key given.weights.{name}: {file} is not a file; give a network's weights file")

    def given_manifest(self, _wildcards: Wildcards) -> str:
        """The classes of the splits of given networks, which are the same on all of them."""
        return str(self._results.manifest(given_splits(self._study.config)[0], "B"))

    def model_accuracies(self, _wildcards: Wildcards) -> list[str]:
        """The accuracy files of the networks that may be taken home: config key model, or all that advice may name."""
        return [str(self._results.accuracy(network.split, network.name)) for network in self._candidates()]

    def model_weights(self, _wildcards: Wildcards) -> list[str]:
        """The weights that these networks copy layers from."""
        files = [source_of(self._results, network).weights for network in self._candidates()]
        return [str(file) for file in dict.fromkeys(files) if file]

    def _candidates(self) -> list[Network]:
        named = self._study.config["model"]
        if not self._study.experiments["given"]:
            raise InputError("config key given.weights: none given; the model is a network of experiment given")
        return [first_repeat(self._study, named)] if named else list(first_repeats(self._study).values())

    def accuracies(self, wildcards: Wildcards) -> list[str]:
        """The accuracy files of an experiment."""
        networks = self._study.experiments[wildcards.experiment]
        return [str(self._results.accuracy(network.split, network.name)) for network in networks]

    def training_files(self, wildcards: Wildcards) -> list[str]:
        """The files that the marks of an experiment's networks depend on."""
        sources = [source_of(self._results, network) for network in self._study.experiments[wildcards.experiment]]
        files = [file for one in sources for file in (one.index, one.description, one.manifest, one.weights) if file]
        return [str(file) for file in dict.fromkeys(files)]

    def tables(self, *experiments: str) -> Callable[[Wildcards], list[str]]:
        """Return an input function: the accuracies of experiments, or all accuracies of the paper."""
        own = [str(self._results.experiment(name)) for name in experiments]
        return lambda wildcards: [str(self.paper / "accuracy.csv")] if self.is_paper(wildcards) else own

    def tables_by_class(self, *experiments: str) -> Callable[[Wildcards], list[str]]:
        """Return an input function: the accuracies of experiments by class; none for the paper, which reports none."""
        own = [str(self._results.experiment(name, by_class=True)) for name in experiments]
        return lambda wildcards: [] if self.is_paper(wildcards) else own

    def is_paper(self, wildcards: Wildcards) -> bool:
        """Whether a job shows the paper's numbers; False for rules without a folder."""
        return wildcards.get("folder") == str(self.paper)

    def folders(self, experiments: Iterable[str], treatments: Iterable[str] = ()) -> list[str]:
        """The folders that show these experiments: the study's results, if it has such networks, and the paper's.

        `treatments`, in the paper's notation, restrict the networks that count. A study of given networks only has no
        folder for the paper.
        """
        networks = [network for name in experiments for network in self._study.experiments[name]]
        own = any(not treatments or network.notation in treatments for network in networks)
        return [str(self._results.root)] * own + [str(self.paper)] * self._study.has_the_papers_question

    def class_table(self, wildcards: Wildcards) -> str:
        """The table of the study's classes, or of the classes of ILSVRC-2012."""
        return str(self.resources / "ilsvrc2012.csv" if self.is_paper(wildcards) else self._results.index)

    def wordnet(self, wildcards: Wildcards) -> str:
        """The source of WordNet."""
        return "snapshot" if self.is_paper(wildcards) else self._study.config["wordnet"]

    def sides(self, wildcards: Wildcards) -> dict:
        """The sides of classes that were assigned by hand."""
        return {} if self.is_paper(wildcards) else self._study.config["splits"]["sides"]

    def splits_with_distance(self, wildcards: Wildcards) -> list[str]:
        """The splits into halves A and B whose distance is measured."""
        given = given_splits(self._study.config)
        own = [split for split in self._study.splits if split not in given]
        return PAPERS_SPLITS if self.is_paper(wildcards) else own

    def distances(self, wildcards: Wildcards) -> list[str]:
        """The distances of splits, which claim 9 needs."""
        needed = self._study.experiments["mixed"] and not self.is_paper(wildcards)
        return [str(self._results.root / "distances.csv")] if needed else []

    def kernels(self, wildcards: Wildcards) -> list[str]:
        """The table of first-layer kernels; none for the paper's networks, whose kernels are unknown."""
        return [] if self.is_paper(wildcards) else [str(self._results.root / "filters.csv")]

    def measure(self, wildcards: Wildcards) -> str:
        """The accuracy that figures show: of the last test, or, for the paper, the mean of the ten best tests."""
        return "top1_best10" if self.is_paper(wildcards) else "top1"

    def architecture(self, wildcards: Wildcards) -> str:
        """The architecture of the networks."""
        return "caffenet" if self.is_paper(wildcards) else self._study.main.architecture

    def layers(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """The names of the layers of the networks on each split."""
        if self.is_paper(wildcards):
            return {split: list(layer_names("caffenet")) for split in PAPERS_SPLITS}
        return {split: list(self._study.model(split).layers) for split in self._study.splits}

    def folds(self, wildcards: Wildcards) -> int | None:
        """The number of folds of the image set, if it is divided into folds."""
        return None if self.is_paper(wildcards) else self._study.config["dataset"]["folds"]

    def answers(self, wildcards: Wildcards) -> list[str]:
        """The accuracy files of networks with given layers: they hold the answers to each validation image."""
        networks = [] if self.is_paper(wildcards) else self._study.experiments["given"]
        return [str(self._results.accuracy(network.split, network.name)) for network in networks]

    def index_of_answers(self, wildcards: Wildcards) -> list[str]:
        """The table of images that these answers belong to."""
        return [str(self._results.index)] if self.answers(wildcards) else []

    def costs(self, wildcards: Wildcards) -> list[str]:
        """The table of what each network costs to train; none for the paper, which does not report it."""
        return [] if self.is_paper(wildcards) else [str(self._results.root / "costs.csv")]

    def layers_below_n(self, wildcards: Wildcards) -> list[str]:
        """The names of layers that figures show below n; none for the paper's eight layers."""
        known = self.is_paper(wildcards) or self._study.has_the_papers_layers
        return [] if known else list(self._study.main.layers)

    def has_the_papers_layers(self, wildcards: Wildcards) -> bool:
        """Whether the paper's claims apply."""
        return self.is_paper(wildcards) or self._study.has_the_papers_layers

    def in_words(self, wildcards: Wildcards) -> str:
        """The title of a figure: the image set, the network, and the length of training."""
        if self.is_paper(wildcards):
            return "ImageNet (ILSVRC-2012), caffenet, 450,000 iterations"
        config = self._study.config
        layout, (number, unit) = config["dataset"]["layout"], config["training"]["length"].split()
        images = layout if layout in ("pictures", "tiny-imagenet", "cifar-100") else Path(self.root).absolute().name
        return f"{images}, {self._study.main.architecture}, {int(number):,} {unit}"


def network_of(wildcards: Wildcards) -> Network:
    """The network that a job with the wildcards `split` and `network` trains."""
    return Network.parse(wildcards.split, wildcards.network)


@cache
def _sha256(file: Path) -> str:
    """The checksum of given weights: several splits use one file."""
    return file_sha256(file)
