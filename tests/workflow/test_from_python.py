"""What a notebook uses: the tables of a study, and one network without a study."""

import json
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import transferability
from tests.conftest import REPOSITORY, RESULTS, make_examples
from tests.workflow.test_docs import blocks
from transferability.common.errors import InputError
from transferability.jobs.assembly import Start, new_trainer
from transferability.study.configuration import complete_config
from transferability.study.model import main_model
from transferability.study.training_settings import read_settings
from transferability.tasks.task import Examples, Task

SHORT = {"length": "2 epochs", "evaluate_every": "1 epochs", "batch_size": 20}


@pytest.fixture
def study(finished_study, tmp_path, monkeypatch):
    """A directory, the working one, with the finished smoke study in results."""
    (tmp_path / "results").symlink_to(finished_study / RESULTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def page(study):
    """What the page about Python has defined when its last block has run."""
    matplotlib.use("agg")
    names = {}
    for block in blocks("from-python.md", "python"):
        exec(compile(block, "from-python.md", "exec"), names)
    return names


@pytest.fixture(scope="session")
def arrays():
    """Images and labels of two classes: to train on, and to test on."""
    sets = [make_examples(count, 2, 36, seed) for count, seed in ((40, 0), (20, 1))]
    return [(examples.store, examples.labels) for examples in sets]


def test_importing_the_library_imports_nothing_heavy():
    code = "import sys, transferability; assert 'load_study' in dir(transferability); print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "torch", "matplotlib", "transferability.jobs"} & set(imported)
    assert all(hasattr(transferability, name) for name in transferability.__all__)
    with pytest.raises(AttributeError, match="no attribute 'load_studies'"):
        _ = transferability.load_studies


@pytest.mark.slow
def test_the_page_runs_as_it_stands(page, study):
    single = blocks("from-python.md", "python")[-1]
    assert len([line for line in single.splitlines() if line]) <= 10
    for figure in ("learning.png", "my-figure2.png"):
        assert (study / figure).stat().st_size > 5000
    assert 0 <= page["network"].top1 <= 1


@pytest.mark.slow
def test_a_single_transfer_gives_what_the_study_has(page):
    """With the study's training settings and the network's name, to the last bit."""
    training = yaml.safe_load((REPOSITORY / "config" / "smoke.yaml").read_text())["training"]
    for name, frozen in (("A3B", True), ("A3B+", False)):
        found = transferability.transfer(
            page["base"], 3, page["train"], page["val"], frozen=frozen, name=f"random-0/{name}", **training
        )
        curves = page["study"].curves.query("split == 'random-0' and network == @name")
        pd.testing.assert_frame_equal(found.curve, curves[["iteration", "top1", "loss"]].reset_index(drop=True))


@pytest.mark.slow
def test_a_study_is_loaded_as_its_tables_say(study):
    loaded = transferability.load_study("results")
    effects = loaded.effects[~loaded.effects["split"].str.startswith("mixed-")]  # effects.csv leaves these out
    tables = {"accuracy.csv": loaded.networks, "effects.csv": effects.reset_index(drop=True)}
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, pd.read_csv(study / "results" / name), check_dtype=False)
    last = loaded.curves.groupby(["split", "network"], sort=False)["top1"].last()
    assert last.tolist() == loaded.networks["top1"].tolist()
    sums = loaded.by_class.groupby(["split", "network"], sort=False)[["correct", "images"]].sum()
    assert sums["images"].tolist() == loaded.networks["val_images"].tolist()
    np.testing.assert_allclose(sums["correct"] / sums["images"], loaded.networks["top1"])


@pytest.mark.slow
def test_a_study_that_still_runs_is_loaded(study, tmp_path):
    """With one network finished, with none, and with one whose file is damaged."""
    running = tmp_path / "running"
    (running / "accuracy" / "random-0").mkdir(parents=True)
    (running / "networks.csv").write_bytes((study / "results" / "networks.csv").read_bytes())
    empty = transferability.load_study(running)
    assert len(empty.networks) == len(empty.curves) == len(empty.by_class) == len(empty.effects) == 0
    accuracy = running / "accuracy" / "random-0" / "baseB.json"
    accuracy.write_bytes((study / "results" / "accuracy" / "random-0" / "baseB.json").read_bytes())
    assert transferability.load_study(running).networks["network"].tolist() == ["baseB"]
    accuracy.write_text(json.dumps(json.loads(accuracy.read_text()) | {"top1": 1.0}))
    with pytest.raises(InputError, match=r"baseB.json is damaged"):
        transferability.load_study(running)


def test_a_directory_without_a_study_is_an_error(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: no study has run here"):
        transferability.load_study(tmp_path)


def test_a_network_is_trained_on_arrays_and_copied_from(arrays):
    base = transferability.train_network(*arrays, **SHORT)
    assert list(base.curve["iteration"]) == [2, 4] and base.top1 == base.curve["top1"].iloc[-1]
    same = transferability.train_network(*arrays, **SHORT)
    pd.testing.assert_frame_equal(base.curve, same.curve)
    for frozen in (True, False):
        copy = transferability.transfer(base, 2, *arrays, frozen=frozen, **SHORT)
        stays = [name for name in base.weights if (base.weights[name] == copy.weights[name]).all()]
        assert {name.partition(".")[0] for name in stays} == (
            {"conv1", "conv2", "mean_image"} if frozen else {"mean_image"}
        )


@pytest.mark.slow
def test_layers_of_a_library_s_model_are_copied(arrays):
    from torchvision.models import resnet18  # takes 1.5 s, which no other process of pytest has to spend

    model = resnet18(weights=None)
    base = model.state_dict()
    settings = SHORT | {"optimizer": "sgd", "architecture": "torchvision/resnet18"}
    copy = transferability.transfer(base, 2, *arrays, **settings)
    stays = {name for name in base if name in copy.weights and torch.equal(base[name], copy.weights[name])}
    learnable = {name for name, _ in model.named_parameters()}
    assert {"conv1.weight", "layer1.0.conv1.weight"} <= stays
    assert "layer4.1.conv1.weight" in learnable - stays


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lenght": "1 epochs"}, "training.lenght"),
        ({"length": "much"}, "training.length"),
        ({"architecture": "nothing"}, "network.architecture"),
        ({"input_size": 100}, "training.input_size"),
    ],
)
def test_wrong_arguments_are_errors(arrays, arguments, message):
    with pytest.raises(InputError, match=message):
        transferability.train_network(*arrays, **arguments)


def test_arrays_that_do_not_fit_are_errors(arrays):
    (images, labels), val = arrays
    wrong = {
        r"float64 \(40, 36, 36, 3\); accepted are uint8": (images.astype(float), labels),
        "39 labels .* for 40 images": (images, labels[1:]),
        r"labels are \[1, 2\]; accepted are 0, 1": (images, labels + 1),
    }
    for message, train in wrong.items():
        with pytest.raises(InputError, match=message):
            transferability.train_network(train, val)
    with pytest.raises(InputError, match="val: a label is none of the 2"):
        transferability.train_network((images, labels), (val[0], val[1] + 1))


def test_weights_that_do_not_fit_are_errors(arrays, tmp_path):
    smaller = {"mean_image": torch.zeros(32, 32, 3)}
    with pytest.raises(InputError, match="images of 36 pixels given, the base network was trained on images of 32"):
        transferability.transfer(smaller, 2, *arrays, **SHORT)
    with pytest.raises(InputError, match="not those of caffenet-mini"):
        transferability.transfer({}, 2, *arrays, **SHORT)
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        transferability.transfer(tmp_path / "nowhere.safetensors", 2, *arrays, **SHORT)


def test_a_transfer_feeds_its_network_the_pixels_that_it_is_given(arrays):
    """As the configuration's section does: otherwise a network with pixels of its own could not be trained again."""
    train, val = arrays
    pixels = {"order": "bgr", "mean": [0.2, 0.3, 0.4], "std": [0.5, 0.25, 0.125]}
    how = {
        "architecture": "timm/test_resnet",
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "input_size": 36,
        "horizontal_flip": False,
    } | SHORT
    task = Task(*(Examples(images, np.arange(len(images)), labels) for images, labels in arrays), classes=2)
    config = {"network": {"architecture": how.pop("architecture"), "n": [1], "pixels": dict(pixels)}, "training": how}
    config |= {"dataset": {"image_size": 36}, "preserved": {"n": []}}
    complete_config(config, [])
    settings = read_settings(config["training"], len(task.train))
    theirs = new_trainer("base", main_model(config).blueprint, task, Start(None), settings, 0, torch.device("cpu"))
    theirs.run(lambda trainer: None, lambda *_: None)
    ours = transferability.train_network(train, val, architecture="timm/test_resnet", pixels=pixels, **how)
    assert all(torch.equal(ours.weights[name], tensor) for name, tensor in theirs.result().items())
    usual = transferability.train_network(train, val, architecture="timm/test_resnet", **how)
    assert not torch.equal(usual.weights["fc.weight"], ours.weights["fc.weight"])
