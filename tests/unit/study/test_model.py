"""Given networks of several architectures in one study."""

import pytest

from transferability.common.errors import InputError
from transferability.study.configuration import complete_config
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

SQUEEZENET = {
    "weights": "squeeze.safetensors",
    "architecture": "torchvision/squeezenet1_1",
    "n": [3, 6],
    "pixels": {"order": "bgr"},
}


def study(weights: dict, network: dict | None = None) -> StudyPlan:
    config = {
        "experiments": ["given"],
        "treatments": ["An~B"],
        "network": {"architecture": "torchvision/resnet18", "n": [2, 8]} | (network or {}),
        "dataset": {"image_size": 64},
        "training": {"input_size": 64, "optimizer": "adamw"},
        "given": {"weights": weights},
    }
    complete_config(config, [])
    return StudyPlan(config)


def test_each_given_network_has_its_own_layers_and_numbers():
    plan = study({"resnet": "resnet.pth", "squeeze": SQUEEZENET})
    by_split = {split: {n.name for n in plan.networks if n.split == split} for split in plan.splits}
    assert list(by_split) == [f"given-{name}-{k}" for name in ("resnet", "squeeze") for k in range(3)]
    assert by_split["given-resnet-0"] == {"baseB", "A9B+", "A2~7B", "A8~1B", "A9B"}
    last = len(plan.model("given-squeeze-0").layers) - 1
    assert by_split["given-squeeze-1"] == {"baseB", f"A{last}B+", f"A3~{last - 3}B", f"A6~{last - 6}B", f"A{last}B"}
    assert plan.model("given-squeeze-2").blueprint.order == "bgr"
    assert plan.model("given-resnet-2").blueprint.name == "torchvision/resnet18"
    assert set(plan.models) == {"torchvision/resnet18", "torchvision/squeezenet1_1"}


def test_pixels_of_the_section_are_for_its_own_architecture():
    own = {"weights": "s", "architecture": "torchvision/squeezenet1_1", "n": "all"}
    plan = study({"resnet": "r", "other": {"weights": "o"}, "squeeze": own}, {"pixels": {"order": "bgr"}})
    orders = {name: model.blueprint.order for name, model in plan.given.items()}
    assert orders == {"resnet": "bgr", "other": "bgr", "squeeze": "rgb"}
    assert plan.given["squeeze"].n == list(range(1, len(plan.given["squeeze"].layers)))


def test_a_row_that_names_what_the_section_has_changes_nothing():
    short, long = study({"a": "f"}), study({"a": {"weights": "f", "architecture": "torchvision/resnet18", "n": [2, 8]}})
    assert short.networks == long.networks
    assert short.model("given-a-0").blueprint == long.model("given-a-0").blueprint


def test_the_section_network_is_not_checked_where_no_network_is_of_it():
    """Its default, caffenet-mini, takes images of 32 or 64 pixels only."""
    config = {
        "experiments": ["given"],
        "dataset": {"image_size": 128},
        "training": {"input_size": 96, "optimizer": "adamw"},
        "given": {"weights": {"squeeze": SQUEEZENET}},
    }
    complete_config(config, [])
    assert Network("given-squeeze-0", "A", "B", 6) in StudyPlan(config | {"treatments": ["AnB"]}).networks


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"n": [99]}, r"given\.weights\.x\.n: 99 given; accepted: at most 9, layer 10 of torchvision/resnet18"),
        ({"architecture": "timm/none"}, r"given\.weights\.x\.architecture: timm/none is unknown to timm"),
        ({"pixels": {"std": [0, 1, 1]}}, r"given\.weights\.x\.pixels\.std: \[0, 1, 1\] given; accepted: three numbers"),
        ({"layers": 3}, r"given\.weights\.x\.layers: unknown key; accepted here: weights, architecture, n, pixels"),
    ],
)
def test_a_wrong_row_is_an_error_that_names_it(row, message):
    with pytest.raises(InputError, match=message):
        study({"x": {"weights": "f"} | row})


def test_a_row_without_weights_is_an_error():
    with pytest.raises(InputError, match=r"given\.weights\.x: .* given; accepted: a file, or a section"):
        study({"x": {"n": [1]}})


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"given": {"weights": {"x": "f"}, "repeats": 2}},
            r"given\.repeats: 2 given with dataset\.folds 5; accepted: nu",
        ),
        (
            {"dataset": {"folds": 5, "validation": 0.2}},
            r"dataset\.validation: 0\.2 given with dataset\.folds; give one",
        ),
        (
            {"experiments": ["random-splits"]},
            r"dataset\.folds: 5 given; experiments random-splits need one set of valid",
        ),
        (
            {"dataset": {"folds": 5, "root": "x", "group": "(a"}},
            r"dataset\.group: \(a given; accepted: a regular expre",
        ),
    ],
)
def test_folds_go_with_given_networks_and_without_a_share(sections, message):
    config = {"experiments": ["given"], "given": {"weights": {"x": "f"}}, "dataset": {"folds": 5}}
    with pytest.raises(InputError, match=message):
        complete_config(config | sections, [])


def test_the_repeats_of_a_given_network_are_the_folds():
    config = {"experiments": ["given"], "given": {"weights": {"x": "f"}}, "dataset": {"folds": 4}}
    complete_config(config, [])
    plan = StudyPlan(config)
    assert [plan.fold(split) for split in plan.splits] == [0, 1, 2, 3]
    complete_config(twice := config | {"given": {"weights": {"x": "f"}, "repeats": 8}}, [])
    assert [StudyPlan(twice).fold(split) for split in StudyPlan(twice).splits] == [0, 1, 2, 3] * 2
