"""The weights with which the training of a network from scratch begins: they follow from its name and the study."""

from collections.abc import Mapping
from functools import partial

import torch

from transferability.common.seeds import derive_seed
from transferability.models.building import build_network
from transferability.study.architectures import study_blueprint
from transferability.study.network import Network
from transferability.study.training_settings import read_settings, training_of


def initial_weights(config: Mapping, network: Network, classes: int) -> dict[str, torch.Tensor]:
    """Return the weights, by name, with which a network of a study that copies nothing begins."""
    size = read_settings(training_of(config, network.examples), 1).crop
    seed_of = partial(derive_seed, config["seed"], f"{network.split}/{network.name}")
    return build_network(study_blueprint(config), size, classes, seed_of, torch.device("cpu")).model.state_dict()
