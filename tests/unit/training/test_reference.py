"""The workflow's networks are those of a reference that shares no code with it (reference_training.py).

What it is compared with begins at a study's files and its configuration, and ends at weights and accuracy records.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tests import reference_training as reference
from tests.conftest import RESULTS
from tests.study_files import CLASSES, split_of, write_study
from transferability.jobs.assembly import train
from transferability.jobs.recipe import recipe_of, source_of
from transferability.jobs.weights_files import write_weights
from transferability.study.configuration import complete_config
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

SEED = 7

# What the paper's names mean: trained on, layers copied from, how many, how many of them frozen, images per class.
MEANING = {
    "baseA": ("A", None, 0, 0, None),
    "baseB": ("B", None, 0, 0, None),
    "A2B": ("B", "baseA", 2, 2, None),
    "A3B": ("B", "baseA", 3, 3, None),
    "A3B+": ("B", "baseA", 3, 0, None),
    "A6B": ("B", "baseA", 6, 6, None),
    "A7B": ("B", "baseA", 7, 7, None),
    "A4~2B": ("B", "baseA", 6, 4, None),
    "B5B+": ("B", "baseB", 5, 0, None),
    "B8B+": ("B", "baseB", 8, 0, None),
    "random3": ("all", None, 0, 3, None),
    "reduced-0002": ("all", None, 0, 0, 2),
    "reduced-0003": ("all", None, 0, 0, 3),
}


@dataclass(frozen=True)
class Case:
    """Networks of one architecture, trained in one way from images of `size` pixels.

    `layers` are the parts of the model by layer. In double precision rounding stays rounding: in float32 a unit that is
    1e-8 from zero takes the other side, which 20 iterations make .001.
    """

    architecture: str
    layers: list[list[str]]
    size: int
    networks: list[str]
    training: Mapping
    reduced: Mapping = field(default_factory=dict)
    dtype: torch.dtype = torch.float64

    def first(self, n: int) -> list[str]:
        """The parts of the first n layers."""
        return [part for layer in self.layers[:n] for part in layer]


CAFFE = [[name] for name in reference.Caffenet.names]
RESNET = [["conv1.0", "conv1.1"], ["conv1.3", "conv1.4"], ["conv1.6", "bn1"], ["layer1"], ["layer2"], ["layer3"]]
RESNET += [["layer4"], ["fc"]]
VIT = [["cls_token", "pos_embed", "patch_embed"], *([f"blocks.{k}"] for k in range(5)), ["blocks.5", "norm"], ["head"]]
TWENTY = {"length": "20 iterations", "evaluate_every": "3 iterations", "batch_size": 12, "input_size": 32}
TEN = TWENTY | {"length": "10 iterations"}
# Each key of `training` has another value than its default in one of them.
CASES = {
    "caffenet-mini on crops": Case(
        "caffenet-mini",
        CAFFE,
        36,
        ["baseA", "baseB", "A3B", "A7B", "B5B+", "B8B+", "random3", "reduced-0003"],
        TWENTY
        | {
            "learning_rate": 0.02,
            "schedule": "step",
            "drop_every": "8 iterations",
            "clip_norm": 2,
            "horizontal_flip": True,
        }
        | {"weight_decay": 0.05, "label_smoothing": 0, "momentum": 0.8, "drop_factor": 0.3},
        {
            "length": "20 iterations",
            "evaluate_every": "2 iterations",
            "learning_rate": 0.01,
            "drop_every": "5 iterations",
        },
    ),
    "caffenet-mini as it is by default": Case(
        "caffenet-mini",
        CAFFE,
        64,
        ["baseA", "A3B", "A4~2B", "random3"],
        {
            "length": "5 epochs",
            "evaluate_every": "1 iterations",
            "batch_size": 10,
            "drop_every": "1 epochs",
            "input_size": 64,
        },
    ),
    "caffenet": Case(
        "caffenet",
        CAFFE,
        256,
        ["baseA", "A6B"],
        {
            "length": "2 iterations",
            "evaluate_every": "1 iterations",
            "batch_size": 2,
            "learning_rate": 0.001,
            "schedule": "step",
        }
        | {"input_size": 227, "horizontal_flip": True, "weight_decay": 0.0005, "label_smoothing": 0},
        dtype=torch.float32,  # of 60 million weights
    ),
    "test_resnet": Case(
        "timm/test_resnet",
        RESNET,
        36,
        ["baseA", "A3B", "A3B+"],
        TEN
        | {"optimizer": "sgd", "nesterov": True, "learning_rate": 0.01, "schedule": "cosine", "label_smoothing": 0}
        | {"augmentation": "random-resized-crop", "min_crop_area": 0.3, "horizontal_flip": True, "weight_decay": 0.05}
        | {"momentum": 0.8},
    ),
    "test_vit": Case(
        "timm/test_vit",
        VIT,
        32,
        ["baseA", "A2B"],
        TEN
        | {
            "optimizer": "adamw",
            "learning_rate": 0.001,
            "weight_decay": 0.05,
            "schedule": "warmup-cosine",
            "warmup": 0.2,
        }
        | {"clip_norm": 1, "horizontal_flip": True, "label_smoothing": 0.3},
    ),
}


QUICK, *OTHERS = (pytest.param(case, id=name) for name, case in CASES.items())


@pytest.fixture(params=[QUICK, *(pytest.param(*other.values, id=other.id, marks=pytest.mark.slow) for other in OTHERS)])
def case(request, monkeypatch):
    """A case, whose precision torch computes in meanwhile."""
    if request.param.dtype == torch.float64:
        monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(request.param.dtype)
    yield request.param
    torch.set_default_dtype(torch.float32)


def config_of(case):
    config = {"seed": SEED, "dataset": {"image_size": case.size}, "training": dict(case.training)}
    config |= {"network": {"architecture": case.architecture, "n": [1]}, "preserved": {"n": []}}
    config |= {"reduced": {"training": dict(case.reduced)}} if case.reduced else {}
    complete_config(config, [])
    return config


def of_the_workflow(case, config, root, name):
    """Train a network as a job does; return its record, its tensors, its losses, and the weights it began with."""
    network, losses, begins = Network.parse(split_of(name), name), [], {}

    def begin(trainer):
        begins.update({key: tensor.clone() for key, tensor in trainer.network.model.state_dict().items()})

    watch = SimpleNamespace(
        saved=lambda: None, begins=begin, on_iteration=lambda _: None, on_test=lambda _, loss: losses.append(loss)
    )
    recipe, source = recipe_of(StudyPlan(config), network, "code"), source_of(Results(root), network)
    record, tensors = train(recipe, source, "mark", torch.device("cpu"), root / "means", watch)
    path = Results(root).weights("random-0", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_weights(path, tensors, f"random-0/{name}", "mark") if name.startswith("base") else None
    return record, tensors, losses, begins


def of_the_reference(case, config, images, classes, name, bases):
    """Train a network by the reference; return its weights, what was found, its pixels, and the weights it began with.

    `images` are all of them, and (wnid, subset) of each; `classes` the wnids by half.
    """
    half, base, copied, frozen, first = MEANING[name]
    seed = partial(reference.seed_of, config["seed"], f"{split_of(name)}/{name}")
    task = reference.task_of(*images, classes[half], first)
    model, state = new_model(case, task.classes, seed), {}
    if base:
        parts = case.first(copied)
        state = {key: tensor for key, tensor in bases[base].items() if reference.of(key, parts)}
        model.load_state_dict(state, strict=False)
    begins = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    pixels = pixels_of(case, reference.task_of(*images, classes[base[-1]], None) if base else task)
    how = config["training"] | (config["reduced"]["training"] if first else {})
    found = reference.train(model, case.first(frozen), task, pixels, how, seed)
    return model.state_dict(), found, pixels, begins


def table_of(case):
    return {"caffenet": reference.CAFFENET, "caffenet-mini": reference.MINI}[case.architecture]


def new_model(case, classes, seed):
    """A new network: caffenet's weights are gaussian; a library draws its own, but for the last layer's, zeros."""
    if not case.architecture.startswith("timm/"):
        return reference.Caffenet(table_of(case), classes, seed)
    torch.manual_seed(seed("init"))
    size = {"img_size": 32} if "vit" in case.architecture else {}
    import timm  # takes seconds, in every process that collects tests

    model = timm.create_model(case.architecture.removeprefix("timm/"), num_classes=classes, **size)
    for key, tensor in model.state_dict().items():
        if reference.of(key, case.layers[-1]):
            tensor.zero_()
    return model


def pixels_of(case, source):
    """Caffe's mean image, of what gives the first layers; or what timm itself says of the architecture."""
    if not case.architecture.startswith("timm/"):
        return reference.caffe_pixels(source.train[0], table_of(case))
    import timm

    told = timm.get_pretrained_cfg(case.architecture.removeprefix("timm/"))
    return reference.standard_pixels(told.mean, told.std)


def assert_same(found, expected, dtype, what):
    """Compare tensors or numbers by their root mean square; what differs by more than rounding is a fault."""
    found, expected = torch.as_tensor(found).double(), torch.as_tensor(expected).double()
    assert found.shape == expected.shape, f"{what}: {found.shape}, the reference has {expected.shape}"
    difference = ((found - expected).norm() / expected.norm().clamp(min=1e-9)).item()
    same = difference <= (1e-5 if dtype == torch.float64 else 0.02)
    assert same, f"{what} differs from the reference by {difference:.2g} of it"


def test_the_workflow_trains_what_the_reference_trains(case, tmp_path):
    """Step by step, so that the message tells where they part: start, mean image, losses, tests, weights."""
    config, images, bases = config_of(case), write_study(tmp_path, case.size, 12 if case.size < 100 else 3), {}
    for name in case.networks:
        record, tensors, losses, begins = of_the_workflow(case, config, tmp_path, name)
        state, found, pixels, began = of_the_reference(case, config, images, CLASSES, name, bases)
        bases |= {name: state} if name.startswith("base") else {}
        assert begins.keys() == state.keys()
        same = partial(assert_same, dtype=case.dtype)
        for key in state:
            same(begins[key], began[key], what=f"{name}: {key} before the training")
        if "mean_image" in tensors:
            half = MEANING[name][1] or name
            same(tensors["mean_image"], pixels.mean, what=f"{name}: the mean of the training images of {half}")
        for (iteration, *_), loss, expected in zip(found["curve"], losses, found["train_loss"], strict=True):
            same(loss, expected, what=f"{name}: the training losses up to iteration {iteration}")
        curve = [list(test.values()) for test in record["curve"]]
        for test, expected in zip(curve, found["curve"], strict=True):
            same(test, expected, what=f"{name}: iteration, top1 and loss of the test after iteration {expected[0]}")
        right = [int(text.partition("/")[0]) for text in record["by_class"].values()]
        assert right == found["right"], f"{name}: what the last test had right of each class"
        assert record["top1_best10"] == best_ten(found["curve"]), f"{name}: the mean of the ten best tests"
        for key, tensor in state.items():
            what = f"{name}: what {key} has learned"
            same(tensors[key] - begins[key], tensor - began[key], what=what)
        frozen = case.first(MEANING[name][3])
        moved = [key for key in state if reference.of(key, frozen) and not torch.equal(tensors[key], begins[key])]
        assert not moved, f"{name}: frozen layers moved: {moved}"


def best_ten(curve):
    best = sorted(top1 for _, top1, _ in curve)[-10:]
    return pytest.approx(sum(best) / 10, abs=1e-12) if len(best) == 10 else None


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU other random numbers are drawn")
def test_the_networks_of_a_study_that_snakemake_made_are_the_references(finished_study):
    """In float32: their tests are alike, not the same."""
    results = finished_study / RESULTS
    index = pd.read_csv(results / "index.csv", dtype=str)
    images = np.load(results / "store.npy"), list(zip(index["wnid"], index["subset"], strict=True))
    tables = {half: Results(results).manifest(split_of(half), half) for half in CLASSES}
    classes = {half: pd.read_csv(table, dtype=str)["wnid"].tolist() for half, table in tables.items()}
    config, bases = yaml.safe_load((results / "configuration.yaml").read_text(encoding="utf-8")), {}
    case = Case("caffenet-mini", CAFFE, 32, ["baseA", "baseB", "A3B", "A7B", "B8B+", "random3", "reduced-0002"], {})
    for name in case.networks:
        state, found, *_ = of_the_reference(case, config, images, classes, name, bases)
        bases |= {name: state} if name.startswith("base") else {}
        record = json.loads(Results(results).accuracy(split_of(name), name).read_text(encoding="utf-8"))
        curve = [list(test.values()) for test in record["curve"]]
        alike = np.allclose(curve, found["curve"], rtol=0.01, atol=1.5 / record["val_images"])
        assert alike, f"{name}: the tests (iteration, top1, loss) are {curve}, the reference's {found['curve']}"
