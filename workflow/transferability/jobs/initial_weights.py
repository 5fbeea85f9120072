"""The initial weights of a network trained from scratch: they are determined by its name and the study."""

from functools import partial

import torch

from transferability.common.seeds import derive_seed
from transferability.models.building import build_network
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import training_of


def initial_weights(study: StudyPlan, network: Network, classes: int) -> dict[str, torch.Tensor]:
    """Return the initial weights, by name, of a network that copies no layers."""
    size = training_of(study.config, network.examples)["input_size"]
    seed_of = partial(derive_seed, study.config["seed"], f"{network.split}/{network.name}")
    blueprint = study.model(network.split).blueprint
    return build_network(blueprint, size, classes, seed_of, torch.device("cpu")).model.state_dict()
