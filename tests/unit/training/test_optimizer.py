import torch
from torch import nn

from transferability.training.optimizers import CaffeSGD


def test_what_does_not_learn_does_not_decay():
    layers = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    layers[0].requires_grad_(False)
    before = layers[0].weight.clone()
    optimizer = CaffeSGD(layers.parameters(), momentum=0.9, weight_decay=0.5)
    layers(torch.randn(3, 4)).sum().backward()
    optimizer.step(0.1)
    assert torch.equal(layers[0].weight, before)
    assert len(optimizer.state_dict()["velocities"]) == 2
