"""Training models of torchvision and timm: what is frozen stays, what is drawn comes from seeds, the same bits."""

import hashlib
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from tests.conftest import settings_of
from transferability.common.errors import InputError
from transferability.jobs.assembly import Start, new_trainer
from transferability.models.building import build_network
from transferability.models.layers import layer_keys
from transferability.study.architectures import AS_KNOWN, blueprint
from transferability.training import features
from transferability.training.optimizers import new_optimizer

CPU = torch.device("cpu")
RESNET, VIT, DENSE = map(blueprint, ("timm/test_resnet", "timm/test_vit", "torchvision/densenet121"))
SETTINGS = settings_of(
    iterations=6,
    evaluate_every=3,
    batch_size=8,
    learning_rate=0.01,
    input_size=32,
    horizontal_flip=True,
    optimizer="sgd",
    nesterov=True,
)


def trainer_of(model, task, start=None, name="random-0/baseA", **changes):
    start = start or Start(None)
    return new_trainer(name, model, task, start, replace(SETTINGS, **changes), 0, CPU)


def train(trainer, pause=lambda trainer: None):
    trainer.run(pause, lambda *_: None)
    return trainer


def checksum(trainer, layers: slice) -> str:
    """Checksum of weights and buffers of some of a network's layers."""
    state, keys = trainer.network.model.state_dict(), layer_keys(trainer.network.model, trainer.network.layers)
    chosen = [key for name in list(keys)[layers] for key in keys[name]]
    assert chosen
    return hashlib.sha256(b"".join(state[key].numpy().tobytes() for key in chosen)).hexdigest()


@pytest.fixture(scope="module", params=[RESNET, VIT], ids=lambda model: model.name)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def base(model, task):
    return train(trainer_of(model, task)).result()


@pytest.mark.parametrize("n", [1, 3])
def test_frozen_layers_stay_with_their_buffers_and_the_others_learn(model, task, base, n):
    trainer = trainer_of(model, task, Start.from_base(base, n, n), "random-0/B3A")
    copied, rest = checksum(trainer, slice(n)), [checksum(trainer, slice(k, k + 1)) for k in range(n, 5)]
    train(trainer)
    assert checksum(trainer, slice(n)) == copied
    assert all(checksum(trainer, slice(k, k + 1)) != before for k, before in zip(range(n, 5), rest, strict=True))


def test_layers_are_copied_from_the_base_and_fine_tuned_ones_learn(model, task, base):
    trainer = trainer_of(model, task, Start.from_base(base, 3, 0), "random-0/B3A+")
    keys = layer_keys(trainer.network.model, trainer.network.layers)
    state = trainer.network.model.state_dict()
    same = {name: all(torch.equal(state[key], base[key]) for key in keys[name]) for name in keys}
    assert list(same.values()) == [True] * 3 + [False] * (len(same) - 3)
    before = checksum(trainer, slice(3))
    assert checksum(train(trainer), slice(3)) != before


def test_a_network_is_drawn_from_its_seed_and_touches_no_global_generator(model):
    before = torch.get_rng_state()
    states = [
        build_network(model, 32, 4, lambda *purpose, seed=seed: seed, CPU).model.state_dict() for seed in (1, 1, 2)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "optimizer": "adamw",
            "augmentation": "random-resized-crop",
            "clip_norm": 1.0,
            "label_smoothing": 0.1,
            "learning_rate": 1e-3,
        },
    ],
    ids=["sgd", "adamw"],
)
def test_a_training_that_was_interrupted_ends_bit_identical(model, task, base, changes):
    start = Start.from_base(base, 2, 2)
    undisturbed = train(trainer_of(model, task, start, "random-0/B2A", **changes))
    first, state = trainer_of(model, task, start, "random-0/B2A", **changes), {}

    def stop(trainer):
        if trainer.iteration == 4:
            state.update({key: _copied(value) for key, value in trainer.state().items()})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(first, stop)
    resumed = trainer_of(model, task, start, "random-0/B2A", **changes)
    resumed.resume(state)
    train(resumed)
    assert checksum(resumed, slice(None)) == checksum(undisturbed, slice(None))
    assert resumed.curve == undisturbed.curve


def _copied(value):
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value


def test_features_of_frozen_layers_are_computed_once_and_change_nothing(model, task, base, monkeypatch):
    small = replace(task, train=_cut(task.train), val=_cut(task.val))
    start, settings = Start.from_base(base, 4, 4), {"horizontal_flip": False}
    kept = train(trainer_of(model, small, start, "random-0/B4A", **settings))
    assert kept._train._features is not None
    monkeypatch.setattr(features, "FEATURE_BYTES", 0)
    computed = train(trainer_of(model, small, start, "random-0/B4A", **settings))
    assert computed._train._features is None
    for key, value in kept.network.model.state_dict().items():
        assert torch.allclose(value, computed.network.model.state_dict()[key], atol=1e-5), key


def _cut(examples):
    return replace(examples, store=examples.store[:, 2:34, 2:34])


def test_dropout_of_frozen_layers_is_off_in_models_of_the_libraries(task):
    model = blueprint("torchvision/vit_b_16")
    network = build_network(model, 32, 4, lambda *_: 0, CPU, frozen=3)
    frozen = [module for layer in list(network.layers.values())[:3] for module in layer.modules()]
    dropouts = [module for module in frozen if isinstance(module, torch.nn.Dropout)]
    assert dropouts
    assert not any(module.training for module in frozen)
    network.eval()
    network.train()
    assert not any(module.training for module in frozen)
    assert all(module.training for module in list(network.layers.values())[4].modules())


def test_what_a_network_of_a_library_sees_is_red_green_blue_and_standardised(task):
    trainer = trainer_of(RESNET, task)
    images = torch.from_numpy(task.val.store[task.val.rows[:3]]).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (RESNET.mean, RESNET.std))
    expected = (images[:, :, 2:34, 2:34] / 255 - mean) / std
    [(seen, _), *_] = trainer._val.batches([torch.arange(3)])
    assert torch.allclose(seen, expected, atol=1e-5)


def test_pixels_of_the_configuration_go_before_the_catalogues(task):
    given = blueprint("torchvision/resnet18", {"order": "bgr", "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.25]})
    trainer = trainer_of(given, task)
    images = torch.from_numpy(task.val.store[task.val.rows[:3]]).permute(0, 3, 1, 2).flip(1)
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in ((0.1, 0.2, 0.3), (0.5, 0.5, 0.25)))
    [(seen, _), *_] = trainer._val.batches([torch.arange(3)])
    assert torch.allclose(seen, (images[:, :, 2:34, 2:34] / 255 - mean) / std, atol=1e-5)
    assert blueprint(RESNET.name, AS_KNOWN) == RESNET


def test_torchs_optimizers_spare_norms_and_positions_from_decay_and_shorten_long_gradients():
    network = build_network(VIT, 32, 4, lambda *_: 0, CPU, frozen=1)
    optimizer = new_optimizer(network.model, settings_of(optimizer="adamw", clip_norm=0.5))
    decayed, spared = (group["params"] for group in optimizer._optimizer.param_groups)
    names = {id(parameter): name for name, parameter in network.model.named_parameters()}
    assert all(names[id(parameter)].endswith("weight") for parameter in decayed)
    assert any(names[id(parameter)].endswith("bias") for parameter in spared)
    assert {id(parameter) for parameter in (*decayed, *spared)} == {
        id(parameter) for parameter in network.model.parameters() if parameter.requires_grad
    }
    (100 - network.model(100 * torch.randn(2, 3, 32, 32))).square().sum().backward()  # all scores start at zero
    seen = []
    optimizer._optimizer.register_step_pre_hook(
        lambda *_: seen.append(torch.nn.utils.get_total_norm([p.grad for p in (*decayed, *spared)]))
    )
    optimizer.step(0.1)
    assert seen[0] == pytest.approx(0.5, abs=1e-4)
    assert all(parameter.grad is None for parameter in decayed)
    assert optimizer._optimizer.param_groups[0]["lr"] == 0.1


def test_smoothed_labels_give_torchs_loss(task):
    trainer = train(trainer_of(RESNET, task, label_smoothing=0.1))  # with scores that differ
    [(images, labels)] = trainer._train.batches([torch.arange(4)])
    trainer.network.eval()
    losses = []
    for loss in (trainer._loss, lambda images, labels: expected_loss(trainer, images, labels)):
        torch.manual_seed(0)  # for crops and mirrors
        losses.append(loss(images, labels))
    assert torch.equal(*losses)


def expected_loss(trainer, images, labels):
    scores = trainer.network.model(trainer._preparation.train(images))
    return functional.cross_entropy(scores, labels, label_smoothing=0.1)


def test_more_layers_than_a_network_has_are_an_error():
    accepted = "network.n .*: 8 layers to copy or freeze, timm/test_vit has 8; accepted: at most 7"
    with pytest.raises(InputError, match=accepted):
        build_network(VIT, 32, 4, lambda *_: 0, CPU, frozen=8)


def test_a_dense_network_trains_through_its_blocks(task):
    trainer = train(trainer_of(DENSE, task, iterations=2, evaluate_every=1))
    assert len(trainer.curve) == 2
