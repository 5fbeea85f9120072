"""How many layers the control for longer training copies, where the study does not know: its job counts them."""

from dataclasses import replace

import torch

from transferability.jobs.recipe import Recipe
from transferability.models.building import build_network
from transferability.study.architectures import Blueprint
from transferability.study.network import ALL_LAYERS
from transferability.study.training_settings import read_settings


def counted(recipe: Recipe) -> Recipe:
    """Return a recipe that copies ALL_LAYERS with their number; any other as it is."""
    if recipe.copied != ALL_LAYERS:
        return recipe
    size = read_settings(recipe.training, 1).crop
    network = build_network(Blueprint(**recipe.architecture), size, 2, lambda *_: 0, torch.device("cpu"))
    layers = len(network.layers)
    return replace(recipe, copied=layers, network={**recipe.network, "n": layers})
