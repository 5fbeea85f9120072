"""`caffenet` and its training against what is published of them, and against references written out in numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import settings_of
from transferability.jobs.assembly import Start, new_trainer
from transferability.models.architectures import caffenet as architecture
from transferability.models.architectures.caffenet import ChannelNorm
from transferability.models.building import initialize
from transferability.study.architectures import blueprint
from transferability.tasks.task import Examples, Task
from transferability.training.optimizers import CaffeSGD
from transferability.training.trainer import Trainer

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]

# Per layer: weights and biases, and the output of its product, as Krizhevsky et al. (2012) and Caffe's reference model
# give them for 1000 classes.
PUBLISHED = {
    "conv1": ((96, 3, 11, 11), (96, 55, 55)),
    "conv2": ((256, 48, 5, 5), (256, 27, 27)),
    "conv3": ((384, 256, 3, 3), (384, 13, 13)),
    "conv4": ((384, 192, 3, 3), (384, 13, 13)),
    "conv5": ((256, 192, 3, 3), (256, 13, 13)),
    "fc6": ((4096, 9216), (4096,)),
    "fc7": ((4096, 4096), (4096,)),
    "fc8": ((1000, 4096), (1000,)),
}


@pytest.fixture(scope="module")
def caffenet() -> nn.Sequential:
    network = architecture.build(227, 1000).eval()
    for number, layer in enumerate(network):
        initialize(layer, number)
    return network


def test_caffenet_has_the_published_parameters(caffenet):
    assert sum(parameter.numel() for parameter in caffenet.parameters()) == 60_965_224
    for name, (weights, outputs) in PUBLISHED.items():
        module = caffenet.get_submodule(name)[0]
        assert module.weight.shape == weights
        assert module.bias.shape == outputs[:1]


def test_caffenet_has_the_published_shapes(caffenet):
    products, pooled = {}, []
    for name, module in caffenet.named_modules():
        if name.endswith((".conv", ".linear")):
            layer = name.partition(".")[0]
            module.register_forward_hook(
                lambda _m, _i, out, layer=layer: products.update({layer: tuple(out.shape[1:])})
            )
        if isinstance(module, nn.MaxPool2d):
            module.register_forward_hook(lambda _m, _i, out: pooled.append(tuple(out.shape[1:])))
    with torch.no_grad():
        caffenet(torch.zeros(1, 3, 227, 227))
    assert products == {name: outputs for name, (_, outputs) in PUBLISHED.items()}
    assert pooled == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]


def test_initial_weights_have_the_published_distributions(caffenet):
    from scipy import stats  # takes a second, in every process that collects tests

    stds = {name: 0.005 if name in ("fc6", "fc7") else 0.01 for name in LAYERS}
    biases = {name: 1 if name in ("conv2", "conv4", "conv5", "fc6", "fc7") else 0 for name in LAYERS}
    for name in LAYERS:
        module = caffenet.get_submodule(name)[0]
        weights = module.weight.detach().numpy().ravel()
        assert weights.std() == pytest.approx(stds[name], rel=0.02)
        assert stats.kstest(weights[:: max(1, weights.size // 20_000)], stats.norm(0, stds[name]).cdf).pvalue > 1e-3
        assert (module.bias == biases[name]).all()


def test_before_its_training_caffenet_knows_nothing(caffenet):
    generator = np.random.default_rng(0)
    images = torch.from_numpy(
        generator.integers(-120, 120, (8, 1, 1, 3)) + generator.integers(-30, 30, (8, 227, 227, 3))
    )
    with torch.no_grad():
        scores = caffenet(images.float().permute(0, 3, 1, 2))
    assert nn.functional.cross_entropy(scores, torch.arange(8)).item() == pytest.approx(np.log(1000), abs=0.5)


def test_local_response_normalisation_is_the_papers_formula():
    features = 200 * np.random.default_rng(0).normal(size=(2, 9, 3, 4))  # large: the denominator is not nearly 1
    expected = np.empty_like(features)
    for channel in range(9):
        nearby = features[:, max(0, channel - 2) : channel + 3]
        expected[:, channel] = features[:, channel] / (1 + 1e-4 / 5 * (nearby**2).sum(axis=1)) ** 0.75
    found = ChannelNorm()(torch.tensor(features, dtype=torch.float32)).numpy()
    assert np.allclose(found, expected, rtol=1e-5)
    theirs = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)(torch.tensor(features, dtype=torch.float32))
    assert np.allclose(found, theirs, rtol=1e-5)


def test_the_gradient_of_local_response_normalisation_is_its_derivative():
    features = 100 * torch.randn(1, 7, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ChannelNorm(), features)


def test_in_bfloat16_local_response_normalisation_is_as_exact_as_bfloat16():
    features = 30 * torch.randn(2, 9, 3, 4).bfloat16()
    exact = ChannelNorm()(features.float())
    assert torch.equal(ChannelNorm()(features), exact.bfloat16())


def test_pooling_rounds_sizes_up():
    pool = architecture.build(227, 10).conv1.pool
    plane = np.random.default_rng(0).normal(size=(6, 6))
    # Windows of 3 at 0, 2 and 4; the last one reaches over the edge.
    expected = [[plane[row : row + 3, column : column + 3].max() for column in (0, 2, 4)] for row in (0, 2, 4)]
    found = pool(torch.tensor(plane)[None, None])[0, 0].numpy()
    assert np.allclose(found, expected)


def test_grouped_convolution_sees_half_of_the_channels_each(caffenet):
    conv = caffenet.conv2.conv
    features = np.random.default_rng(0).normal(size=(96, 7, 7)).astype(np.float32)
    padded = np.pad(features, ((0, 0), (2, 2), (2, 2)))
    weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
    halves = [
        np.einsum("cyxij,kcij->kyx", windows[48 * g : 48 * g + 48], weight[128 * g : 128 * g + 128]) for g in (0, 1)
    ]
    expected = np.concatenate(halves) + bias[:, None, None]
    with torch.no_grad():
        found = conv(torch.tensor(features)[None])[0].numpy()
    assert np.allclose(found, expected, atol=1e-4)


def test_fifty_steps_over_a_rate_drop_equal_caffes_update_written_out_by_hand():
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=(3, 4)), generator.normal(size=3)
    layer = nn.Linear(4, 3).double()
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    optimizer = CaffeSGD(layer.parameters(), momentum=0.9, weight_decay=0.05)
    fields = {
        "iterations": 50,
        "evaluate_every": 50,
        "batch_size": 5,
        "warmup": 0.0,
        "input_size": 1,
        "horizontal_flip": False,
    }
    schedule = {"learning_rate": 0.01, "schedule": "step", "drop_every": 30, "drop_factor": 0.1}
    settings = settings_of(**fields, **schedule, weight_decay=0.05)
    weight_velocity, bias_velocity = np.zeros_like(weight), np.zeros_like(bias)
    for step in range(50):
        rate = 0.01 if step < 30 else 0.001
        image, target = generator.normal(size=(5, 4)), generator.normal(size=(5, 3))
        error = image @ weight.T + bias - target
        weight_velocity = 0.9 * weight_velocity + rate * (error.T @ image + 0.05 * weight)
        bias_velocity = 0.9 * bias_velocity + 2 * rate * error.sum(axis=0)
        weight, bias = weight - weight_velocity, bias - bias_velocity
        (0.5 * (layer(torch.tensor(image)) - torch.tensor(target)) ** 2).sum().backward()
        optimizer.step(settings.rate_at(step))
    assert np.allclose(layer.weight.detach(), weight, atol=1e-12)
    assert np.allclose(layer.bias.detach(), bias, atol=1e-12)


def caffenet_trainer(images: int, rate: float = 0.01, precision: str = "float32") -> Trainer:
    """A training of `caffenet` whose every batch is the same images, of 256x256 pixels."""
    generator = np.random.default_rng(0)
    labels = np.arange(images) % 10
    colours = generator.integers(0, 200, (10, 1, 1, 3), dtype=np.uint8)
    store = colours[labels] + generator.integers(0, 56, (images, 256, 256, 3), dtype=np.uint8)
    task = Task(Examples(store, np.arange(images), labels), Examples(store[:2], np.arange(2), labels[:2]), 1000)
    fields = {
        "iterations": 1000,
        "evaluate_every": 1000,
        "batch_size": images,
        "warmup": 0.0,
        "input_size": 227,
        "horizontal_flip": True,
    }
    schedule = {"learning_rate": rate, "schedule": "step", "drop_every": 100, "drop_factor": 0.1}
    settings = settings_of(**fields, **schedule, precision=precision)
    return new_trainer(
        "random-0/baseA", blueprint("caffenet"), task, Start.from_scratch(task), settings, 0, torch.device("cpu")
    )


class FinishedError(Exception):
    pass


def losses(trainer: Trainer, steps: int) -> list[float]:
    sums = []

    def pause(trainer):
        sums.append(trainer._train_loss.item())
        if len(sums) == steps:
            raise FinishedError

    with pytest.raises(FinishedError):
        trainer.run(pause, lambda *_: None)
    return np.diff([0, *sums]).tolist()


@pytest.mark.slow
def test_in_bfloat16_the_loss_of_caffenet_on_a_fixed_batch_falls():
    # At a tenth of the paper's rate, which is for a hundred times as many images: on so few it overshoots first.
    first, *_, last = losses(caffenet_trainer(2, 0.001, "bfloat16"), 4)
    assert last < first - 2
