import pytest
import torch
import yaml
from transferability.architectures import ARCHITECTURES, ChannelNorm, initialize
from transferability.config import SCHEMA, SIZES

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


def test_caffenet_has_the_published_size_and_shapes():
    network = ARCHITECTURES["caffenet"].build(227, 1000).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) == 60_965_224
    shapes = []
    features = torch.zeros(1, 3, 227, 227)
    with torch.no_grad():
        for layer in network:
            features = layer(features)
            shapes.append(tuple(features.shape[1:]))
    assert shapes[:4] == [(96, 27, 27), (256, 13, 13), (384, 13, 13), (384, 13, 13)]
    assert shapes[4:] == [(256 * 6 * 6,), (4096,), (4096,), (1000,)]


def test_channel_norm_is_local_response_normalisation():
    features = 200 * torch.randn(2, 9, 3, 4)  # large, so that the denominator is not nearly 1
    expected = torch.nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)(features)
    assert torch.allclose(ChannelNorm()(features), expected, rtol=1e-5)


def test_caffenet_starts_from_the_published_distributions():
    network = ARCHITECTURES["caffenet"].build(227, 100)
    for number, layer in enumerate(network):
        initialize(layer, number)
    state = network.state_dict()
    stds = {name: 0.005 if name in ("fc6", "fc7") else 0.01 for name in LAYERS}
    biases = {name: 1 if name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0 for name in LAYERS}
    for name in LAYERS:
        kind = "conv" if name.startswith("conv") else "linear"
        weight, bias = state[f"{name}.{kind}.weight"], state[f"{name}.{kind}.bias"]
        assert weight.std().item() == pytest.approx(stds[name], rel=0.02)
        assert abs(weight.mean().item()) < 3 * stds[name] / weight.numel() ** 0.5
        assert (bias == biases[name]).all()


def test_initial_weights_are_a_function_of_the_seed():
    layers = [ARCHITECTURES["caffenet-mini"].build(32, 5)[0] for _ in range(3)]
    for layer, seed in zip(layers, (1, 1, 2), strict=True):
        initialize(layer, seed)
    assert torch.equal(layers[0][0].weight, layers[1][0].weight)
    assert not torch.equal(layers[0][0].weight, layers[2][0].weight)
