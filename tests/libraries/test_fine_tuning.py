"""Fine-tuning copied layers: they wait for the new ones, learn at rates of their own, and keep BatchNorm statistics."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from timm.optim import param_groups_layer_decay

from tests.conftest import settings_of
from transferability.jobs.assembly import Start, new_trainer
from transferability.models.building import build_network
from transferability.models.layers import layer_keys
from transferability.study.architectures import blueprint
from transferability.training.optimizers import new_optimizer, rate_factors
from transferability.training.trainer import Trainer

CPU = torch.device("cpu")
RESNET = blueprint("timm/test_resnet")
SETTINGS = settings_of(
    iterations=8,
    evaluate_every=2,
    batch_size=16,
    optimizer="adamw",
    learning_rate=1e-3,
    schedule="warmup-cosine",
    warmup=0.5,
    input_size=32,
    horizontal_flip=True,
)


def trainer_of(task, start, **changes) -> Trainer:
    return new_trainer("random-0/A3~4B", RESNET, task, start, replace(SETTINGS, **changes), 0, CPU)


def trained(task, start, **changes) -> Trainer:
    trainer = trainer_of(task, start, **changes)
    trainer.run(lambda _: None, lambda *_: None)
    return trainer


def layers_of(trainer: Trainer) -> list[list[torch.Tensor]]:
    """Copies of the weights and buffers of each layer."""
    keys = layer_keys(trainer.network.model, trainer.network.layers).values()
    state = trainer.network.model.state_dict()
    return [[state[key].clone() for key in layer] for layer in keys]


def changed(before, after) -> list[bool]:
    """Whether each layer changed."""
    return [not all(map(torch.equal, *layers)) for layers in zip(before, after, strict=True)]


@pytest.fixture(scope="module")
def base(task):
    return trained(task, Start(None)).result()


@pytest.fixture
def start(base) -> Start:
    """All but the classifier of eight layers is copied, three layers are frozen."""
    return Start.from_base(base, 7, 3)


@pytest.mark.parametrize("optimizer", ["caffe-sgd", "sgd", "adamw"])
def test_copied_layers_wait_with_their_statistics_then_learn_while_frozen_ones_stay(task, start, optimizer):
    trainer = trainer_of(task, start, head_first=0.5, optimizer=optimizer)
    states = {0: layers_of(trainer)}
    trainer.run(lambda _: states.update({trainer.iteration: layers_of(trainer)}), lambda *_: None)
    assert changed(states[0], states[4]) == [False] * 7 + [True]
    assert changed(states[4], states[5]) == [False] * 3 + [True] * 5
    assert [test.iteration for test in trainer.curve] == [2, 4, 6, 8]


def test_waiting_is_a_training_with_frozen_layers_and_then_a_fine_tuning(task, start, base):
    """Two trainings, one after the other, without what makes batches differ: momentum, augmentation, their order."""
    plain = {"optimizer": "sgd", "momentum": 0.0, "augmentation": "random-crop", "horizontal_flip": False}
    plain |= {"batch_size": len(task.train), "learning_rate": 0.05}
    small = replace(task, **{part: centre(getattr(task, part)) for part in ("train", "val")})
    together = trained(small, start, head_first=0.25, **plain)
    probe = trained(small, Start.from_base(base, 7, 7), iterations=2, **plain)
    apart = trained(small, Start.from_base(probe.result(), 8, 3), iterations=6, **plain)
    for name, tensor in apart.result().items():
        assert torch.allclose(together.result()[name], tensor, rtol=1e-3, atol=1e-5), name
    assert [test.top1 for test in together.curve] == [test.top1 for test in probe.curve + apart.curve]


def centre(examples):
    return replace(examples, store=examples.store[:, 2:34, 2:34])


def test_each_phase_runs_through_the_schedule(task, start):
    trainer, rates = trainer_of(task, start, head_first=0.25, schedule="one-cycle", learning_rate=0.4), []
    step = trainer._optimizer.step
    trainer._optimizer = SimpleNamespace(step=lambda rate: (rates.append(rate), step(rate)))
    trainer.run(lambda _: None, lambda *_: None)
    third = 0.4 / 3
    assert rates == pytest.approx([0.4, 0.4, third, 2 * third, 0.4, 0.4, 2 * third, third])


@pytest.mark.parametrize("views", [None, 3])
@pytest.mark.parametrize("optimizer", ["caffe-sgd", "adamw"])
def test_training_resumes_bit_for_bit_in_each_phase_and_between_them(task, start, optimizer, views):
    how = {"head_first": 0.5, "optimizer": optimizer, "views": views, "layer_decay": 0.7, "batchnorm": "fixed"}
    trainer, states = trainer_of(task, start, **how), {}
    trainer.run(lambda trainer: states.update({trainer.iteration: copied(trainer.state())}), lambda *_: None)
    for iteration in (3, 4, 6):
        resumed = trainer_of(task, start, **how)
        resumed.resume(states[iteration])
        resumed.run(lambda _: None, lambda *_: None)
        assert resumed.curve == trainer.curve, iteration
        assert not any(changed(layers_of(trainer), layers_of(resumed))), iteration
        assert resumed.test() == trainer.curve[-1], iteration


def copied(value):
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [copied(part) for part in value]
    return value.clone() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("layers", [(0, 0), (0, 3), (5, 5), (8, 0)])
def test_networks_without_copied_layers_that_learn_or_without_new_ones_do_not_wait(task, base, layers):
    start = Start.from_base(base, *layers)
    curves = [trained(task, start, iterations=4, head_first=share).curve for share in (0, 0.5)]
    assert curves[0] == curves[1]


def test_statistics_of_copied_layers_stay_where_they_are_fixed_and_their_weights_learn(task, base):
    start = Start.from_base(base, 5, 2)
    for batchnorm, kept in {"update": 2, "fixed": 5}.items():
        result = trained(task, start, batchnorm=batchnorm).result()
        trainer = trainer_of(task, start)
        keys = layer_keys(trainer.network.model, trainer.network.layers).values()
        for place, layer in enumerate(keys):
            for key in layer:
                stays = place < (kept if "running" in key else 2)
                assert torch.equal(result[key], base[key]) == stays or "num_batches" in key, (batchnorm, key)
    scratch = [trained(task, Start(None), batchnorm=how).curve for how in ("update", "fixed")]
    assert scratch[0] == scratch[1], "a network from scratch has no statistics to keep"


@pytest.mark.parametrize("architecture", ["timm/test_vit", "timm/resnet18"])
def test_rates_of_layers_are_timms(architecture):
    """Where timm divides a model into the same layers: it counts EfficientNet's last convolution as classifier."""
    network = build_network(blueprint(architecture), 32, 4, lambda *_: 0, CPU)
    network.copied = len(network.layers) - 1
    factors = rate_factors(network, 0.6)
    names = {id(parameter): name for name, parameter in network.model.named_parameters()}
    groups = param_groups_layer_decay(network.model, layer_decay=0.6)
    timms = {names[id(parameter)]: group["lr_scale"] for group in groups for parameter in group["params"]}
    assert {name: factors.get(name, 1.0) for name in timms} == pytest.approx(timms)
    optimizer = new_optimizer(network.model, SETTINGS, factors)
    network.model(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step(0.2)
    rates = {names[id(p)]: group["lr"] for group in optimizer._optimizer.param_groups for p in group["params"]}
    assert rates == pytest.approx({name: 0.2 * factor for name, factor in timms.items()})


def test_new_layers_learn_at_the_full_rate(task, base):
    for layers, slowed in {(5, 2): [2, 3, 4], (3, 3): [], (0, 0): []}.items():
        trainer = trainer_of(task, Start.from_base(base, *layers), layer_decay=0.5)
        keys = list(layer_keys(trainer.network.model, trainer.network.layers).values())
        expected = {key: 0.5 ** (7 - place) for place in slowed for key in keys[place]}
        names = {id(parameter): name for name, parameter in trainer.network.model.named_parameters()}
        for group in trainer._optimizer._optimizer.param_groups:
            for parameter in group["params"]:
                assert group["factor"] == expected.get(names[id(parameter)], 1.0)
