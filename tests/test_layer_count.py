"""The control of a network that the catalogue does not know: its job counts the layers that it copies."""

from dataclasses import asdict

from transferability.jobs.layer_count import counted
from transferability.jobs.recipe import Recipe
from transferability.study.architectures import blueprint, layer_names
from transferability.study.configuration import default_config
from transferability.study.network import ALL_LAYERS, Network
from transferability.study.training_settings import training_of

ARCHITECTURE = "timm/test_resnet"  # the catalogue knows it, so that the count can be compared


def recipe(network: Network) -> Recipe:
    fields = {"name": network.name, "network": network.facts(), "copied": network.copied, "frozen": network.frozen}
    training = training_of(default_config(), 0)
    return Recipe(**fields, architecture=asdict(blueprint(ARCHITECTURE)), training=training, seed=0, code="")


def test_a_job_counts_the_layers_that_a_control_copies():
    ours = counted(recipe(Network("random-0", "B", "B", ALL_LAYERS, fine_tuned=True)))
    layers = len(layer_names(ARCHITECTURE))
    assert (ours.copied, ours.frozen) == (layers, 0), "the control copies all layers and freezes none"
    assert ours.network["n"] == layers, "its accuracy file has the number of layers as n"
    assert ours.network["network"] == "BallB+"


def test_other_recipes_stay_as_they_are():
    network = recipe(Network("random-0", "A", "B", 3))
    assert counted(network) is network
