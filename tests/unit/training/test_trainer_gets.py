"""What reaches the trainer, piece by piece, each beside what the study's description says (STUDY.md, the schema)."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from catalogue import FILE
from tests import reference_training as reference
from tests.conftest import settings_of
from tests.study_files import CLASSES, split_of, write_study
from transferability.jobs.assembly import Start, new_trainer, task_of, trainer_on
from transferability.jobs.recipe import recipe_of, source_of
from transferability.jobs.weights_files import write_weights
from transferability.models.architectures import caffenet, caffenet_mini
from transferability.models.building import pixel_scale
from transferability.study.architectures import blueprint
from transferability.study.configuration import complete_config
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.training.optimizers import new_optimizer
from transferability.training.preprocessing import Preparation

CPU = torch.device("cpu")
ROWS = list(csv.DictReader(FILE.open(encoding="utf-8", newline="")))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study's directory, its images by row, and (wnid, subset) of each."""
    root = tmp_path_factory.mktemp("study")
    return root, *write_study(root, 32, 9)


def assembled(root, name):
    """The task and the trainer of a network of the study, as its job makes them."""
    network = Network.parse(split_of(name), name)
    complete_config(config := {}, [])
    recipe = recipe_of(StudyPlan(config), network, "code")
    source = source_of(Results(root), network)
    task = task_of(recipe, source)
    return task, trainer_on(task, recipe, source, CPU, root / "means")


def mean_of(study, half, subset, first=100):
    """The mean of the first images of each class of a half, BGR."""
    _, images, index = study
    chosen = []
    for wnid in CLASSES[half]:
        rows = [row for row, image in enumerate(index) if image == (wnid, subset)]
        chosen += rows[:first]
    return images[chosen].mean(axis=0)[..., ::-1]


def test_each_network_subtracts_the_mean_of_the_training_images_of_what_gives_its_first_layers(study):
    """The networks of one directory of kept means, one after the other: none may get another's."""
    root = study[0]
    halves = {f"the {subset} images of {half}": (half, subset) for half in CLASSES for subset in ("train", "val")}
    means = {of: mean_of(study, *which) for of, which in halves.items()}
    means["the first two train images of each class"] = mean_of(study, "all", "train", 2)
    means["the first train image of each class"] = mean_of(study, "all", "train", 1)
    means["nothing"] = np.zeros_like(means["the train images of A"])
    expected = {
        "baseA": "the train images of A",
        "A3B": "the train images of A",
        "baseB": "the train images of B",
        "random3": "the train images of all",
        "reduced-0002": "the first two train images of each class",
        "reduced-0001": "the first train image of each class",
    }
    for name, wanted in expected.items():
        trainer = assembled(root, name)[1]
        if name == "baseA":
            weights = Results(root).weights("random-0", name)
            weights.parent.mkdir(parents=True)
            write_weights(weights, trainer.result(), f"random-0/{name}", "mark")
        mean = trainer._preparation.mean.numpy()
        nearest = min(means, key=lambda of: np.abs(means[of] - mean).max())
        assert nearest == wanted, f"{name} subtracts the mean of {nearest}, not of {wanted}"
        assert np.allclose(mean, means[wanted], atol=1e-3), f"the mean image of {name} is not the mean of {wanted}"


def test_networks_of_few_examples_see_the_first_of_each_class_and_are_tested_on_all(study):
    root, _, index = study
    whole = assembled(root, "random3")[0]
    for count in (1, 2, 4):
        task, _ = assembled(root, f"reduced-{count:04d}")
        for wnid in CLASSES["all"]:
            first = [row for row, image in enumerate(index) if image == (wnid, "train")][:count]
            seen = [row for row in task.train.rows if index[row][0] == wnid]
            assert seen == first, f"reduced-{count:04d} sees images {seen} of {wnid}, the first {count} are {first}"
        assert np.array_equal(task.val.rows, whole.val.rows), "validation images are not reduced"


@pytest.mark.parametrize(("module", "size", "share"), [(caffenet, 227, 0.5), (caffenet_mini, 32, 0.25)])
def test_dropout_follows_the_relu_of_fc6_and_fc7_and_stands_nowhere_else(module, size, share):
    with torch.device("meta"):
        network = module.build(size, 10)
    for name, layer in network.named_children():
        kinds = [type(part).__name__ for part in layer]
        if name in ("fc6", "fc7"):
            assert kinds == ["Linear", "ReLU", "Dropout"], f"{name} is {kinds}: dropout comes after its ReLU"
            assert layer.dropout.p == share, f"{name} drops {layer.dropout.p} of its units, not {share}"
        else:
            assert "Dropout" not in kinds, f"{name} has dropout; fc6 and fc7 alone have"


def test_in_training_fc6_and_fc7_drop_a_share_of_their_units_and_in_tests_none(task):
    trainer = new_trainer(
        "random-0/baseA", blueprint("caffenet-mini"), task, Start.from_scratch(task), settings_of(), 0, CPU
    )
    seen = {}
    for name in ("fc6", "fc7"):
        layer = trainer.network.model.get_submodule(name)
        nn.init.zeros_(layer.linear.weight)
        nn.init.ones_(layer.linear.bias)  # what is zero now was dropped
        layer.register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: (out == 0).sum() / out.numel()}))
    images = torch.randn(64, 3, 32, 32)
    trainer.network.model(images)
    for name, dropped in seen.items():
        assert 0.2 < dropped < 0.3, f"in training {name} drops {dropped:.2f} of its units, not .25"
    trainer.network.eval()
    trainer.network.model(images)
    assert not any(seen.values()), "units are dropped in tests"


def test_the_catalogues_mean_and_deviation_reach_every_architecture():
    for row in ROWS:
        model = blueprint(row["architecture"])
        for key in ("mean", "std"):
            said = tuple(map(float, row[key].split())) or None
            found = getattr(model, key)
            assert found == said, f"{row['architecture']} gets {key} {found}, its row in {FILE.name} says {said}"


def test_the_catalogues_mean_and_deviation_are_the_libraries():
    """ImageNet's where a library says nothing; torchvision says what its best weights were trained on."""
    for row in ROWS:
        library, _, name = row["architecture"].partition("/")
        if library == "timm":
            import timm  # takes seconds, in every process that collects tests

            told = timm.get_pretrained_cfg(name)
        elif library == "torchvision":
            from torchvision.models import get_model_weights

            told = get_model_weights(name).DEFAULT.transforms()
        else:
            continue
        for key in ("mean", "std"):
            said, wanted = list(map(float, row[key].split())), list(getattr(told, key))
            assert said == pytest.approx(wanted, abs=1e-6), (
                f"{row['architecture']}: {key} is {said}, {library} says {wanted}"
            )


def test_a_network_sees_the_pixels_that_its_row_says(task):
    """timm/test_resnet has a mean and a deviation of one half, unlike ImageNet's."""
    trainer = new_trainer("random-0/baseA", blueprint("timm/test_resnet"), task, Start(None), settings_of(), 0, CPU)
    [(seen, _), *_] = trainer._val.batches([torch.arange(3)])
    pixels = torch.from_numpy(task.val.store[task.val.rows[:3]])[:, 2:34, 2:34].permute(0, 3, 1, 2)
    assert torch.allclose(seen, pixels / 127.5 - 1, atol=1e-5), "it sees other pixels than from -1 to 1"


@pytest.mark.parametrize(("architecture", "scale"), [("caffenet", 1), ("caffenet-mini", 32)])
def test_caffes_networks_see_pixels_less_the_mean_image_over_their_scale(architecture, scale):
    mean, settings = torch.full((36, 36, 3), 100.0), settings_of(input_size=32)
    seen = Preparation.less_mean_image(mean, pixel_scale(blueprint(architecture)), settings).test(
        torch.full((1, 36, 36, 3), 132, dtype=torch.uint8)
    )
    assert (seen == 32 / scale).all(), f"{architecture} sees {seen.max():.3g} where 132 less 100 is {32 / scale}"


def spied(task, note, **changes):
    """Train `caffenet-mini`, calling `note(trainer, rate)` in every step of its optimizer."""
    settings = settings_of(batch_size=8, **changes)
    model = blueprint("caffenet-mini")
    trainer = new_trainer("random-0/A3B", model, task, Start.from_scratch(task), settings, 5, CPU)
    step = trainer._optimizer.step
    trainer._optimizer = SimpleNamespace(step=lambda rate: (note(trainer, rate), step(rate)))
    trainer.run(lambda _: None, lambda *_: None)


def test_every_iteration_draws_its_own_crops_mirrors_and_dropout(task):
    seeds = []
    spied(task, lambda *_: seeds.append(torch.default_generator.initial_seed()), iterations=6, horizontal_flip=True)
    assert len(set(seeds)) == 6, f"of 6 iterations {len(set(seeds))} differ in what they draw: the others repeat it"
    wanted = [reference.seed_of(5, "random-0/A3B", "iteration", k) for k in range(6)]
    assert seeds == wanted, "the seed of an iteration is not that of (study's seed, name, 'iteration', its number)"


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ({"schedule": "step", "drop_every": 3}, [0.4, 0.4, 0.4, 0.04, 0.04, 0.04, 0.004, 0.004]),
        ({"schedule": "one-cycle", "warmup": 0.5}, [0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1]),
    ],
)
def test_iteration_k_trains_at_the_rate_of_iteration_k(task, schedule, wanted):
    rates = []
    spied(task, lambda _, rate: rates.append(rate), iterations=8, learning_rate=0.4, evaluate_every=3, **schedule)
    for iteration, (rate, want) in enumerate(zip(rates, wanted, strict=True)):
        assert rate == pytest.approx(want), f"iteration {iteration} trains at {rate}, the schedule says {want}"


@pytest.mark.parametrize("schedule", ["step", "cosine", "one-cycle", "warmup-cosine"])
def test_no_schedule_exceeds_the_rate(schedule):
    for iterations in range(1, 60):
        settings = settings_of(schedule=schedule, learning_rate=1.0, warmup=0.1, iterations=iterations)
        rates = [settings.rate_at(k) for k in range(iterations)]
        assert 0 < max(rates) <= 1, (
            f"{schedule} of {iterations} iterations goes up to {max(rates)} of training.learning_rate"
        )


def stepped(gradients, **changes):
    """The two weights of a layer, zero at first, after steps at rate .1 with these gradients; its bias has none."""
    layer = nn.Linear(2, 1)
    nn.init.zeros_(layer.weight)
    optimizer = new_optimizer(layer, settings_of(weight_decay=0.0, **changes))
    for gradient in gradients:
        layer.weight.grad, layer.bias.grad = torch.tensor([gradient]), torch.zeros(1)
        optimizer.step(0.1)
    return layer.weight.detach()[0].tolist()


@pytest.mark.parametrize("optimizer", ["caffe-sgd", "sgd"])
def test_a_gradient_that_is_longer_than_clip_norm_is_shortened_to_it(optimizer):
    steps = {norm: stepped([[3.0, 4.0]], optimizer=optimizer, clip_norm=norm) for norm in (0, 1, 10)}
    assert steps[1] == pytest.approx([-0.06, -0.08], abs=1e-6), f"{optimizer} does not clip a gradient of 5 to 1"
    assert steps[10] == pytest.approx([-0.3, -0.4]), f"{optimizer} clips a gradient that is shorter than clip_norm"
    assert steps[0] == pytest.approx([-0.3, -0.4]), f"{optimizer} clips though clip_norm is 0"


@pytest.mark.parametrize(("nesterov", "wanted"), [(False, -0.29), (True, -0.461)])
def test_the_momentum_of_sgd_is_nesterovs_where_the_key_says_so(nesterov, wanted):
    """By hand, with gradients of 1: velocities 1 and 1.9; steps of them or, looking ahead, of 1 + .9 of them."""
    weights = stepped([[1.0, 0.0], [1.0, 0.0]], optimizer="sgd", momentum=0.9, nesterov=nesterov)
    assert weights[0] == pytest.approx(wanted), f"nesterov: {nesterov} is not what two steps show"
