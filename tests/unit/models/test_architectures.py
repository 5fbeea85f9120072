import pytest
import torch

from transferability.models.building import build_model, initialize
from transferability.study.architectures import blueprint, catalogue, house_names

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


@pytest.mark.parametrize("name", house_names())
def test_a_network_of_the_house_is_eight_named_layers_and_a_slice_of_it_is_a_network(name):
    for size in catalogue()[name].sizes:
        network = build_model(blueprint(name), size, 7).eval()
        assert [layer for layer, _ in network.named_children()] == LAYERS
        image = torch.randn(2, 3, size, size)
        with torch.no_grad():
            for n in (1, 5, 7):
                assert torch.equal(network[n:](network[:n](image)), network(image))
        assert network(image).shape == (2, 7)


def test_initial_weights_are_a_function_of_the_seed():
    layers = [build_model(blueprint("caffenet-mini"), 32, 5)[0] for _ in range(3)]
    for layer, seed in zip(layers, (1, 1, 2), strict=True):
        initialize(layer, seed)
    assert torch.equal(layers[0][0].weight, layers[1][0].weight)
    assert not torch.equal(layers[0][0].weight, layers[2][0].weight)
