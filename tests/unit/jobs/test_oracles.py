"""Independent oracles beside what a study of given networks measures: another library, another classifier, a formula.

The features come from timm and torchvision as these compute them, not from this library's layers; the classifier beside
a trained one is ridge regression in closed form, of which benchmarks/oracle.py makes the published numbers.
"""

import math
import runpy
import tarfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import REPOSITORY, SHARED, settings_of
from transferability.jobs.assembly import Start, new_trainer
from transferability.jobs.given import given_layers
from transferability.planning.checks.model_inputs import model_inputs
from transferability.store.decoding import read_image
from transferability.study.architectures import blueprint, layer_names
from transferability.study.configuration import complete_config
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import read_settings
from transferability.tasks.task import Examples, Task

CPU = torch.device("cpu")
ridge_accuracy = runpy.run_path(str(REPOSITORY / "benchmarks" / "oracle.py"))["ridge_accuracy"]
DATA = SHARED / "data"
LITE0 = DATA / "efficientnet-lite0-imagenet.safetensors"
SQUEEZENET = DATA / "squeezenet1_1-imagenet.safetensors"
CLASSES = {"ants": 310, "bees": 309}  # their numbers among ImageNet's
with_data = pytest.mark.skipif(not (DATA / "ants-bees.tar").is_file(), reason=f"{DATA}/ants-bees.tar is not there")
# SqueezeNet's authors trained it with Caffe's pixels: blue, green, red, 0 to 255, less a mean per channel.
CAFFE = {"order": "bgr", "mean": [x / 255 for x in (103.939, 116.779, 123.68)], "std": [1 / 255] * 3}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Arrays of 144 pixels and labels (0 ants, 1 bees) of training and validation photographs; and their folder."""
    folder = tmp_path_factory.mktemp("photographs")
    with tarfile.open(DATA / "ants-bees.tar") as archive:
        archive.extractall(folder, filter="data")
    next(folder.rglob("imageNotFound.gif")).unlink()
    return {subset: _read(folder, subset, 128) for subset in ("train", "val")} | {"folder": folder}


def _read(folder, subset, size):
    files = sorted(path for path in folder.glob(f"*/{subset}/*/*") if path.is_file())
    images = np.stack([read_image(path, size, "center-crop") for path in files])
    return images, np.array([list(CLASSES).index(path.parent.name) for path in files])


def standardised(images, mean, std):
    """Images as float32 (count, 3, size, size), from 0 to 1 less `mean`, divided by `std`."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def task_of(train, val):
    parts = [Examples(images, np.arange(len(images)), labels.astype(np.int64)) for images, labels in (train, val)]
    return Task(*parts, classes=int(train[1].max()) + 1)


def trained_on_frozen_layers(model, task, base, settings):
    """The accuracy of a network of which everything but the classifier is copied and frozen."""
    n = len(layer_names(model.name)) - 1
    trainer = new_trainer("given-x-0/AnB", model, task, Start.from_base(base, n, n), settings, 0, CPU)
    trainer.run(lambda trainer: None, lambda *_: None)
    return trainer.curve[-1]


@with_data
@pytest.mark.slow
def test_only_the_classifier_trained_gives_what_ridge_regression_gives_on_the_same_features(photographs):
    """EfficientNet-Lite0 on ants and bees, with the training settings of config/my-images.yaml but for crop and mirror,
    so that features are fixed; 153 images, of which one is .65 points."""
    import timm
    import yaml

    theirs = timm.create_model("tf_efficientnet_lite0").eval()
    theirs.load_state_dict(load_file(LITE0))
    features = {}
    with torch.no_grad():
        for subset in ("train", "val"):
            images = standardised(photographs[subset][0], (0.5,) * 3, (0.5,) * 3)
            features[subset] = torch.cat(
                [theirs.forward_head(theirs.forward_features(x), pre_logits=True) for x in images.split(64)]
            )
    pairs = [(features[subset], torch.from_numpy(photographs[subset][1])) for subset in ("train", "val")]
    oracle = ridge_accuracy(*pairs)
    training = yaml.safe_load((REPOSITORY / "config" / "my-images.yaml").read_text())["training"]
    config = {"network": {"architecture": "timm/tf_efficientnet_lite0", "n": [18]}, "preserved": {"n": []}}
    config |= {"dataset": {"image_size": 128}, "training": training | {"input_size": 128, "horizontal_flip": False}}
    config["training"] |= {"learning_rate": 0.001, "views": None}
    complete_config(config, [])
    task = task_of(photographs["train"], photographs["val"])
    model = blueprint("timm/tf_efficientnet_lite0")
    base = given_layers(LITE0, model, 128, 128)
    found = trained_on_frozen_layers(model, task, base, read_settings(config["training"], len(task.train)))
    assert abs(found.top1 - oracle) <= 0.03, f"the trained classifier reaches {found.top1:.3f}, ridge {oracle:.3f}"
    assert found.loss < math.log(2), f"its loss of {found.loss:.2f} is above that of guessing, {math.log(2):.2f}"


@with_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "file", "pixels", "size", "among_two", "of_all"),
    [  # shares as found with the libraries' own code
        ("timm/tf_efficientnet_lite0", LITE0, {}, 128, 0.92, 0.49),
        ("torchvision/squeezenet1_1", SQUEEZENET, CAFFE, 227, 0.96, 0.60),
    ],
)
def test_a_given_network_s_own_classifier_still_knows_its_classes(
    photographs, architecture, file, pixels, size, among_two, of_all
):
    """Through this library's pixels and layers it names what it was trained to name, where the classes are among its
    own. Wrong pixels are seen here that no statistic betrays: without BatchNorm there is none."""
    network = {"architecture": architecture, "n": [1], "pixels": dict(pixels)}
    scores, labels = _own_scores(photographs, network, file, size)
    two = scores[:, list(CLASSES.values())]
    assert float((two.argmax(1) == labels).float().mean()) >= among_two
    wanted = torch.tensor(list(CLASSES.values()))[labels]
    assert float((scores.argmax(1) == wanted).float().mean()) >= of_all
    if pixels:  # without BatchNorm no statistic betrays the wrong ones, which the library says
        wrong, _ = _own_scores(photographs, network | {"pixels": {}}, file, size, every=4)
        assert float((wrong.argmax(1) == wanted[::4]).float().mean()) < 0.05


def _own_scores(photographs, network, file, size, every=1):
    from transferability.models.building import build_model
    from transferability.models.layers import as_layers

    config = {"dataset": {"image_size": size}, "training": {"input_size": size}, "network": network}
    config["preserved"] = {"n": []}
    complete_config(config, [])
    model = StudyPlan(config).main.blueprint
    built = build_model(model, size, 1000)
    layers = as_layers(built, size)
    built.load_state_dict(load_file(file) | given_layers(file, model, size, size))
    images, labels = (part[::every] for part in _read(photographs["folder"], "val", size))
    with torch.no_grad():
        features = model_inputs(StudyPlan(config), StudyPlan(config).main, images)
        built.eval()
        for layer in layers.values():
            features = torch.cat([layer(part) for part in features.split(64)])
    return features, torch.from_numpy(labels)


def test_a_classifier_on_random_layers_gives_what_ridge_regression_gives():
    """The same without data: a small network of timm whose random layers are frozen, on noise with a tint per class."""
    import timm

    model = blueprint("timm/test_resnet")
    task = task_of(_tinted(96, seed=0), _tinted(400, seed=1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        theirs = timm.create_model("test_resnet", num_classes=0).eval()
    base = dict(theirs.state_dict())
    settings = settings_of(
        iterations=800,
        evaluate_every=800,
        batch_size=16,
        optimizer="adamw",
        learning_rate=0.05,
        input_size=36,
        horizontal_flip=False,
    )
    found = trained_on_frozen_layers(model, task, base, settings)
    pairs = []
    with torch.no_grad():
        for part in (task.train, task.val):
            pairs.append((theirs(standardised(part.store, model.mean, model.std)), torch.from_numpy(part.labels)))
    oracle = ridge_accuracy(*pairs)
    assert 0.6 < oracle < 0.95  # chance is .25
    assert abs(found.top1 - oracle) <= 0.03, f"the trained classifier reaches {found.top1:.3f}, ridge {oracle:.3f}"


def _tinted(count, seed):
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    tints = generator.normal(0, 12, (count, 3)) + 30 * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])[labels]
    images = generator.normal(110, 30, (count, 36, 36, 3)) + tints[:, None, None, :]
    return images.clip(0, 255).astype(np.uint8), labels
