"""A study derived from its configuration: its networks, their blueprint, and the paths of their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from transferability.study.architectures import has_the_papers_layers
from transferability.study.blueprint import Blueprint
from transferability.study.files import Results
from transferability.study.grid import control, experiments, splits
from transferability.study.model import Model, given_model, main_model
from transferability.study.network import GIVEN, Network, given_name, repeat_of, targets
from transferability.study.rates import is_searched, searches
from transferability.study.training_settings import Settings, read_settings, training_of


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """The parts of a study, derived from a complete configuration (`complete_config`), each computed on first use."""

    config: Mapping

    @cached_property
    def results(self) -> Results:
        """The files of the study."""
        return Results(Path(self.config["results_dir"]))

    @cached_property
    def main(self) -> Model:
        """The model of all networks but those of given networks that have their own."""
        return main_model(self.config)

    @cached_property
    def given(self) -> dict[str, Model]:
        """The models of the given networks, by name."""
        return {name: given_model(self.config, name) for name in self.config["given"]["weights"]}

    def model(self, split: str) -> Model:
        """The model of the networks on a split."""
        return self.given[given_name(split)] if split.startswith(GIVEN) else self.main

    @cached_property
    def models(self) -> dict[str, Model]:
        """The different models of the study's networks, by architecture; pixels may still differ within one."""
        return {model.architecture: model for model in map(self.model, dict(self.tasks))} or {"": self.main}

    @cached_property
    def searches(self) -> dict[tuple[str, str], Network]:
        """The networks with which learning rates are searched, by split and family (`rates.searches`)."""
        if not is_searched(self.config["training"]):
            return {}
        return searches(self.networks, lambda split: len(self.model(split).layers) - 1)

    @cached_property
    def named_models(self) -> dict[str, Model]:
        """The models that differ in architecture or pixels, by the name of the first given network that has each.

        The name is the architecture for those that no given network has.
        """
        found: dict[Blueprint, tuple[str, Model]] = {}
        for split in dict(self.tasks):
            name = given_name(split) if split.startswith(GIVEN) else self.main.architecture
            found.setdefault(self.model(split).blueprint, (name, self.model(split)))
        return dict(found.values()) or {self.main.architecture: self.main}

    @property
    def copies_given_layers(self) -> bool:
        """Whether it has networks with layers of a given network."""
        return any(network.copied and network.source == "A" for network in self.experiments["given"])

    @property
    def has_the_papers_layers(self) -> bool:
        """Whether the paper's claims apply to the architecture."""
        return has_the_papers_layers(self.main.architecture)

    @property
    def has_the_papers_question(self) -> bool:
        """Whether it compares classes of one image set, as the paper does, and not only given networks."""
        return any(networks for name, networks in self.experiments.items() if name != "given")

    @property
    def input_size(self) -> int:
        """The size of the networks' inputs, in pixels."""
        return self.config["training"]["input_size"]

    @property
    def image_size(self) -> int:
        """The size of the stored images, in pixels."""
        return self.config["dataset"]["image_size"]

    @cached_property
    def experiments(self) -> dict[str, list[Network]]:
        """The networks of each experiment (`grid.experiments`)."""
        return experiments(self.config, self.model)

    @cached_property
    def networks(self) -> list[Network]:
        """The networks of the study, each once."""
        return list(dict.fromkeys(network for networks in self.experiments.values() for network in networks))

    @cached_property
    def controls(self) -> set[tuple[str, str]]:
        """Split and name of every network that is a control for longer training (`grid.control`)."""
        selffers = [network for network in self.networks if network.treatment == "selffer"]
        control_of = partial(control, self.config)
        return {(n.split, n.name) for n in selffers if n == control_of(self.model(n.split), n.split, n.target)}

    @cached_property
    def splits(self) -> list[str]:
        """The splits of the study into A and B."""
        return splits(self.config)

    def fold(self, split: str) -> int | None:
        """The fold that is held out for validation on a split; None if the set is not divided into folds."""
        folds = self.config["dataset"]["folds"]
        return repeat_of(split) % folds if folds else None

    @cached_property
    def tasks(self) -> list[tuple[str, str]]:
        """The tasks that networks are trained on, as pairs of split and half."""
        return list(dict.fromkeys((network.split, network.target) for network in self.networks))

    @cached_property
    def manifests(self) -> list[Path]:
        """The tables of classes of all tasks in the splits."""
        return [self.results.manifest(split, half) for split in self.splits for half in targets(split)]

    def settings(self, train_images: int, examples: int = 0) -> Settings:
        """Return the settings for `train_images` training images; `examples` per class for reduced sets, else 0.

        If several learning rates are given, the settings have the first: only a search knows which one is used.
        """
        training = training_of(self.config, examples)
        if is_searched(training):
            training = {**training, "learning_rate": training["learning_rate"][0]}
        return read_settings(training, train_images)
