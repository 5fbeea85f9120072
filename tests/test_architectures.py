import pytest
import torch
import yaml

from transferability.models.architectures import ARCHITECTURES
from transferability.models.building import initialize
from transferability.study.configuration import SCHEMA, SIZES

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


def test_the_configuration_knows_the_architectures():
    schema = yaml.safe_load(SCHEMA.read_text())
    assert (
        set(schema["properties"]["network"]["properties"]["architecture"]["enum"]) == set(SIZES) == set(ARCHITECTURES)
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_is_eight_named_layers_and_a_slice_of_it_is_a_network(name):
    architecture = ARCHITECTURES[name]
    for size in SIZES[name]:
        network = architecture.build(size, 7).eval()
        assert [layer for layer, _ in network.named_children()] == LAYERS
        image = torch.randn(2, 3, size, size)
        with torch.no_grad():
            for n in (1, 5, 7):
                assert torch.equal(network[n:](network[:n](image)), network(image))
        assert network(image).shape == (2, 7)


def test_initial_weights_are_a_function_of_the_seed():
    layers = [ARCHITECTURES["caffenet-mini"].build(32, 5)[0] for _ in range(3)]
    for layer, seed in zip(layers, (1, 1, 2), strict=True):
        initialize(layer, seed)
    assert torch.equal(layers[0][0].weight, layers[1][0].weight)
    assert not torch.equal(layers[0][0].weight, layers[2][0].weight)
