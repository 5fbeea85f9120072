import numpy as np
import torch
from torch import nn
from transferability.optimizer import SGD


def test_fifty_steps_with_a_drop_equal_caffes_update_written_out_by_hand():
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=(3, 4)), generator.normal(size=3)
    layer = nn.Linear(4, 3).double()
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    optimizer = SGD(layer.parameters(), momentum=0.9, weight_decay=0.05)
    weight_velocity, bias_velocity = np.zeros_like(weight), np.zeros_like(bias)
    for step in range(50):
        rate = 0.01 if step < 30 else 0.001
        image, target = generator.normal(size=(5, 4)), generator.normal(size=(5, 3))
        error = image @ weight.T + bias - target
        weight_velocity = 0.9 * weight_velocity + rate * (error.T @ image + 0.05 * weight)
        bias_velocity = 0.9 * bias_velocity + 2 * rate * error.sum(axis=0)
        weight, bias = weight - weight_velocity, bias - bias_velocity
        (0.5 * (layer(torch.tensor(image)) - torch.tensor(target)) ** 2).sum().backward()
        optimizer.step(rate)
    assert np.allclose(layer.weight.detach(), weight, atol=1e-12)
    assert np.allclose(layer.bias.detach(), bias, atol=1e-12)


def test_what_does_not_learn_does_not_decay():
    layers = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    layers[0].requires_grad_(False)
    before = layers[0].weight.clone()
    optimizer = SGD(layers.parameters(), momentum=0.9, weight_decay=0.5)
    layers(torch.randn(3, 4)).sum().backward()
    optimizer.step(0.1)
    assert torch.equal(layers[0].weight, before)
    assert len(optimizer.state_dict()["velocities"]) == 2
