"""What preflight tells of given networks: whether they fit, and whether the pixels are those that they know."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from transferability.models.building import build_model
from transferability.planning.checks.given import check_given, first_norm
from transferability.planning.checks.model_inputs import check_model_inputs, model_inputs
from transferability.study.architectures import blueprint
from transferability.study.configuration import complete_config
from transferability.study.study_plan import StudyPlan

SIZE = 36
HALVES = {"order": "rgb", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}


def config_of(file, pixels=HALVES, architecture="timm/test_resnet"):
    config = {
        "dataset": {"image_size": SIZE},
        "training": {"input_size": SIZE},
        "network": {"architecture": architecture, "n": [1], "pixels": dict(pixels)},
        "given": {"weights": {"mine": str(file)}},
        "preserved": {"n": [], "m": []},
    }
    complete_config(config, [])
    return config


@pytest.fixture(scope="module")
def sample():
    return np.random.default_rng(0).integers(60, 200, (40, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def file(sample, tmp_path_factory):
    """Weights whose first BatchNorm has learned what it sees of the sample, prepared as HALVES says."""
    model = build_model(blueprint("timm/test_resnet"), SIZE, 7)
    study = StudyPlan(config_of("none"))
    inputs = model_inputs(study, study.main, sample)
    for _ in range(150):
        model.train()(inputs)
    file = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_file(model.state_dict(), file)
    return file


def test_a_network_that_gets_the_pixels_it_knows_is_in_order(file, sample):
    found = check_given(StudyPlan(config_of(file)), sample)
    assert not found.faults and not found.warnings
    assert "mine: all " in found.note and "sees 1 times the variance that it was trained with" in found.note


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0, 0, 0), (1 / 255,) * 3), ((0.5, 0.5, 0.5), (0.1, 0.1, 0.1)), ((0.5, 0.5, 0.5), (2.0, 2.0, 2.0))],
)
def test_other_pixels_than_it_knows_are_a_warning_that_names_the_key(file, sample, mean, std):
    pixels = {"order": "rgb", "mean": list(mean), "std": list(std)}
    [warning] = check_given(StudyPlan(config_of(file, pixels)), sample).warnings
    assert (
        warning.startswith("mine: its first BatchNorm sees ")
        and "config key network.pixels does not match its training" in warning
    )


def test_what_does_not_fit_or_is_not_there_is_a_fault_that_names_both(file, sample, tmp_path):
    [fault] = check_given(StudyPlan(config_of(file, architecture="timm/test_vit")), sample).faults
    assert fault.startswith(f"mine: {file} does not fit: ")
    [fault] = check_given(StudyPlan(config_of(tmp_path / "absent")), sample).faults
    assert fault == f"config key given.weights.mine: {tmp_path}/absent is not a file; give a network's weights file"


def test_a_network_without_batchnorm_and_a_set_without_images_are_only_imported(sample, tmp_path):
    model = build_model(blueprint("timm/test_vit"), SIZE, 7)
    assert first_norm(model, torch.zeros(2, 3, SIZE, SIZE)) is None
    save_file(model.state_dict(), tmp_path / "vit.safetensors")
    found = check_given(StudyPlan(config_of(tmp_path / "vit.safetensors", architecture="timm/test_vit")), None)
    assert found.note.endswith("entries of its layers fit") and not found.faults


def test_what_imagenet_would_feed_stands_beside_what_is_fed(sample):
    note = check_model_inputs(StudyPlan(config_of("none")), sample).note
    assert "over 40 training images: red " in note
    assert note.endswith("for ImageNet's images: red -0.03 and 0.46, green -0.09 and 0.45, blue -0.19 and 0.45")
    swapped = check_model_inputs(StudyPlan(config_of("none", HALVES | {"order": "bgr"})), sample).note
    assert swapped.endswith("for ImageNet's images: blue -0.19 and 0.45, green -0.09 and 0.45, red -0.03 and 0.46")
