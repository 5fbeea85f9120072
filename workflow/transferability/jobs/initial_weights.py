"""The weights with which the training of a network from scratch begins: they follow from its name and the study."""

from functools import partial

import torch

from transferability.common.seeds import derive_seed
from transferability.models.building import build_network
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import training_of


def initial_weights(study: StudyPlan, network: Network, classes: int) -> dict[str, torch.Tensor]:
    """Return the weights, by name, with which a network of a study that copies nothing begins."""
    size = training_of(study.config, network.examples)["input_size"]
    seed_of = partial(derive_seed, study.config["seed"], f"{network.split}/{network.name}")
    return build_network(study.blueprint, size, classes, seed_of, torch.device("cpu")).model.state_dict()
