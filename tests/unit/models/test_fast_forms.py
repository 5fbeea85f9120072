"""The forms in which a GPU computes networks faster: the same function as the networks themselves."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import operations
import pooling
import step
from tests.conftest import settings_of
from transferability.models.architectures import caffenet, caffenet_mini
from transferability.models.fast_forms import FastChannelNorm, FastConvolution, fast_form
from transferability.training import trainer
from transferability.training.preprocessing import Preparation

CPU, FLOAT64 = torch.device("cpu"), torch.float64


@pytest.mark.parametrize("name", step.FORMS)
def test_every_form_that_is_timed_computes_the_same_with_the_same_gradients(name):
    assert step.difference(step.FORMS[name], CPU) <= 1e-12


def test_a_form_that_computes_something_else_is_found():
    assert step.difference(lambda network: nn.Sequential(network, nn.Hardtanh(0, 1)), CPU) > 1e-3


@pytest.mark.parametrize(("room", "size"), [(caffenet_mini, 32), (caffenet_mini, 64), (caffenet, 227)])
def test_the_fast_form_of_a_whole_network_has_its_scores_and_gradients(room, size):
    torch.manual_seed(0)
    network = room.build(size, 7)[:5].to(FLOAT64).eval()  # no fully connected layer has another form
    images = torch.randn(2, 3, size, size, dtype=FLOAT64)
    for modules in (network, nn.Sequential(network[:3], network[3:])):
        results = []
        for form in (network, fast_form(modules)):
            scores = form(images)
            results.append([scores, *torch.autograd.grad(scores.square().sum(), list(network.parameters()))])
        assert all((a - b).norm() <= 1e-12 * a.norm() for a, b in zip(*results, strict=True))
    kinds = [type(module) for module in fast_form(network).modules()]
    assert kinds.count(FastConvolution) == 4  # conv1, and the three of two groups
    assert kinds.count(FastChannelNorm) == 2 * (room is caffenet)


def test_what_has_no_fast_form_stays_the_same_module():
    plain = nn.Conv2d(3, 8, 3, stride=2), nn.Conv2d(8, 8, 3, bias=False, groups=2), nn.Conv2d(8, 8, 3, dilation=2)
    plain += (
        nn.Conv2d(3, 8, 8, stride=4, padding="valid"),
        nn.Conv2d(8, 8, 3, groups=2, padding_mode="reflect"),
        nn.ReLU(),
    )
    assert all(form is module for form, module in zip(fast_form(nn.Sequential(*plain)), plain, strict=True))


@pytest.mark.parametrize("side", [55, 27, 13, 12, 8, 3])
def test_the_pooling_that_keeps_bytes_has_torchs_maxima_and_gradients(side):
    torch.manual_seed(side)
    features = torch.randn(2, 5, side, side, dtype=FLOAT64).relu_().requires_grad_()  # with ties at 0
    theirs, ours = functional.max_pool2d(features, 3, 2, ceil_mode=True), pooling.max_pool(features)
    assert torch.equal(theirs, ours)
    passed = torch.randn_like(theirs)
    theirs, ours = (torch.autograd.grad(output, features, passed)[0] for output in (theirs, ours))
    assert torch.allclose(theirs, ours, rtol=0, atol=1e-12)


def test_steps_on_a_gpu_are_compiled_of_the_fast_forms_and_others_of_the_network(monkeypatch):
    monkeypatch.setattr(trainer, "compiled", lambda function: function)
    network = caffenet.build(227, 5)
    settings = settings_of(input_size=227, compile=True, horizontal_flip=True)
    preparation = Preparation.less_mean_image(torch.zeros(227, 227, 3), 1.0, settings)
    for device, compile, forms in (("cuda", True, 4), ("cuda", False, 0), ("cpu", True, 0)):
        settings = replace(settings, compile=compile)
        loss = trainer.step_loss(network[:1], network[1:], preparation, settings, torch.device(device))
        [modules] = [part for part in loss.args[0].args if isinstance(part, nn.Module)]
        assert sum(isinstance(module, FastConvolution) for module in modules.modules()) == forms
        assert list(map(id, modules.parameters())) == list(map(id, network.parameters()))


@pytest.mark.slow
def test_a_fast_form_that_is_compiled_gives_the_same_to_rounding():
    torch.manual_seed(0)
    layers, images = (
        step.new_network(CPU, layers=2).to(memory_format=torch.contiguous_format),
        60 * torch.randn(2, 3, 67, 67),
    )
    fast = trainer.compiled(lambda images: fast_form(layers)(images).square().mean())
    results = []
    for value in (layers(images).square().mean(), fast(images)):
        results.append([value, *torch.autograd.grad(value, list(layers.parameters()))])
    assert all((a - b).norm() <= 1e-4 * a.norm() for a, b in zip(*results, strict=True))


def test_operations_of_caffenet_are_those_of_its_formula():
    """Two for each product: places, kernels, channels, divided by groups; once forward, once for each gradient."""
    convolutions = (96 * 55**2 * 3 * 11**2, 256 * 27**2 * 48 * 25, 384 * 13**2 * 256 * 9)
    convolutions += (384 * 13**2 * 192 * 9, 256 * 13**2 * 192 * 9)
    forward = [*convolutions, 9216 * 4096, 4096 * 4096, 4096 * 100]
    network, images = caffenet.build(227, 100).to("meta"), torch.empty(2, 3, 227, 227, device="meta")
    assert operations.step_operations(network, 0, images) == 2 * (3 * sum(forward) - forward[0])
    assert operations.step_operations(network, 3, images) == 2 * (sum(forward) + 2 * sum(forward[3:]) - forward[3])


@pytest.mark.parametrize("frozen", [0, 2])
def test_operations_of_a_step_are_those_that_torch_counts(frozen):
    """In a network without groups, of which torch's counter counts too many."""
    layers = [nn.Sequential(nn.Conv2d(inputs, 8, 3), nn.ReLU()) for inputs in (3, 8, 8)] + [nn.Flatten()]
    layers[-1:] = [nn.Sequential(nn.Flatten(), nn.Linear(8 * 10 * 10, 5))]
    network, images = nn.Sequential(*layers), torch.randn(2, 3, 16, 16)
    network[:frozen].requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    assert operations.step_operations(network, frozen, images) == counter.get_total_flops() / 2
