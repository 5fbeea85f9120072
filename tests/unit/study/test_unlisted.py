"""Architectures that the catalogue does not list say themselves what layers they have, and how they expect pixels."""

import pytest

from transferability.common.errors import InputError
from transferability.study import unlisted
from transferability.study.architectures import blueprint, catalogue
from transferability.study.configuration import complete_config
from transferability.study.model import main_model
from transferability.study.study_plan import StudyPlan

UNLISTED = "timm/tf_mobilenetv3_small_minimal_100"
FOUND = {"layers": ["stem", "block", "head"], "mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A place of its own for what is kept, of which nothing is known."""
    monkeypatch.setattr(unlisted, "KEPT", tmp_path / "__pycache__" / "unlisted.json")
    unlisted.describe.cache_clear()
    yield unlisted.KEPT
    unlisted.describe.cache_clear()


@pytest.fixture
def stub(kept, monkeypatch):
    """The models asked; each answers FOUND."""
    asked = []
    monkeypatch.setattr(unlisted, "_looked_up", lambda *model: asked.append(model) or FOUND)
    return asked


def config_of(architecture, **network):
    config = {
        "network": {"architecture": architecture, **network},
        "preserved": {"n": []},
        "splits": {"random": 1, "manmade_natural": False},
    }
    config["training"] = {"optimizer": "sgd"}
    complete_config(config, [])
    return config


@pytest.mark.slow
def test_a_model_of_timm_says_its_layers_and_its_own_pixels(kept, tmp_path, monkeypatch):
    assert UNLISTED not in catalogue()
    monkeypatch.chdir(tmp_path)  # nothing is imported from there
    (tmp_path / "timm.py").write_text("raise SystemExit('a timm.py of the working directory')", encoding="utf-8")
    config = config_of(UNLISTED, n="all")
    model = main_model(config).blueprint
    assert model.mean == model.std == (0.5, 0.5, 0.5)  # not ImageNet's, as timm says itself
    layers = unlisted.describe(UNLISTED, 32).layers
    assert layers[0] == "conv_stem" and layers[-1] == "classifier"
    assert main_model(config).n == list(range(1, len(layers)))
    with pytest.raises(InputError, match=f"network.n: 99 given; accepted: at most {len(layers) - 1}, layer"):
        config_of(UNLISTED, n=[8, 99])


@pytest.mark.slow
def test_what_cannot_be_built_or_cut_is_one_error_before_anything_runs(kept):
    for architecture, message in {
        "timm/tf_mobilenet_smal": "is unknown to timm; accepted: timm/tf_mobilenet",
        "timm/crossvit_tiny_240": "does not take images of 32 pixels",
    }.items():
        with pytest.raises(InputError, match=f"network.architecture: {architecture} {message}") as error:
            config_of(architecture, n=[1])
        assert "\n" not in str(error.value)


def test_a_model_is_built_once(stub, kept):
    for _ in range(2):
        assert main_model(config_of(UNLISTED, n="all")).n == [1, 2]
        unlisted.describe.cache_clear()  # as in another process
    assert stub == [(UNLISTED, 32)]
    kept.write_text("{damaged")
    assert unlisted.describe(UNLISTED, 32).layers == ("stem", "block", "head")
    assert len(stub) == 2


def test_its_networks_have_a_control_for_longer_training(stub):
    config = config_of(UNLISTED, n=[1])
    study = StudyPlan(config)
    assert study.controls == {("random-0", "A3A+"), ("random-0", "B3B+")}  # all three layers, trained again
    assert study.controls <= {(network.split, network.name) for network in study.networks}


def test_pixels_of_the_configuration_override_the_librarys(stub):
    pixels = {"order": "bgr", "mean": [0.1, 0.2, 0.3], "std": None}
    model = blueprint(UNLISTED, pixels)
    assert (model.order, model.mean, model.std) == ("bgr", (0.1, 0.2, 0.3), (0.25, 0.25, 0.25))


def test_a_library_that_does_not_say_its_pixels_is_an_error_that_names_the_keys(stub, monkeypatch):
    monkeypatch.setitem(FOUND, "mean", None)
    with pytest.raises(InputError, match=r"does not specify which pixels .* give config keys network.pixels.mean and"):
        config_of(UNLISTED, n=[1])
    assert config_of(UNLISTED, n=[1], pixels={"mean": [0.5] * 3})["network"]["n"] == [1]
