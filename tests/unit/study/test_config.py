import copy
import json
import re

import pytest
import yaml
from snakemake.utils import update_config

from configuration_docs import default_file, key_table, sections
from tests.conftest import REPOSITORY
from transferability.common.errors import InputError
from transferability.study.configuration import (
    SCHEMA,
    complete_config,
    default_config,
    fill_defaults,
    validate_config,
)
from transferability.study.model import main_model

DEFAULT = REPOSITORY / "config" / "config.yaml"


def merged(*layers: dict) -> dict:
    config = yaml.safe_load(DEFAULT.read_text())
    for layer in layers:
        update_config(config, copy.deepcopy(layer))
    return config


@pytest.mark.parametrize("file", sorted((REPOSITORY / "config").glob("*.yaml")), ids=lambda file: file.name)
def test_every_configuration_is_valid(file):
    config = merged(yaml.safe_load(file.read_text()))
    if config["dataset"]["layout"] != "pictures":
        config["dataset"]["root"] = "/data/images"
    validate_config(config, [DEFAULT, file])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"trainig": {}}, "mine.yaml: trainig: unknown key; did you mean `training`. accepted here: results_dir"),
        (
            {"training": {"momentun": 1}},
            "mine.yaml: training.momentun: unknown key; did you mean `momentum`. accepted here: len",
        ),
        (
            {"training": {"epochs": 1}},
            "mine.yaml: training.epochs: unknown key; accepted here: length, batch_size, opti",
        ),
        (
            {"batch_size": 32},
            "mine.yaml: batch_size: unknown key; did you mean `training.batch_size`. accepted here: re",
        ),
        (
            {"training": {"n": [3]}},
            "mine.yaml: training.n: unknown key; did you mean `network.n`. accepted here: length",
        ),
        (
            {"training": {"learning_rate": -1}},
            "mine.yaml: training.learning_rate: -1 given; accepted: number, more than 0",
        ),
        ({"training": {"length": "20"}}, 'training.length: 20 given; accepted: a number and a unit, as in "450000 it'),
        (
            {"treatments": ["bnb+"]},
            r"treatments.0: 'bnb\+' given; did you mean `BnB\+`. accepted: BnB, BnB\+, AnB, AnB\+",
        ),
        ({"device": "gpu"}, "device: 'gpu' given; accepted: auto, cpu, cuda"),
        ({"splits": {"sides": {"n1": "man-made"}}}, "splits.sides.n1: 'man-made' given; did you mean `manmade`. accep"),
        ({"training": {"schedule": "linear"}}, "training.schedule: 'linear' given; accepted: step, cosine, one-cycle"),
        (
            {"dataset": {"layout": "folders"}},
            "dataset.layout: 'folders' given; accepted: auto, pictures, imagefolder, ",
        ),
        ({"network": {"n": [1, 8]}}, "network.n: 8 given; accepted: at most 7, layer 8 of caffenet-mini is new"),
        ({"network": {"n": "every"}}, "network.n: 'every' given; accepted: all, or an array of"),
        (
            {"network": {"architecture": "timm/none", "n": "all"}},
            "network.architecture: timm/none is unknown to timm; accepted: ",
        ),
        (
            {"network": {"architecture": "cafenet"}},
            "network.architecture: cafenet given; did you mean `caffenet`. accepted: caffenet, caffenet-mi",
        ),
        (
            {"network": {"architecture": "resnet18"}},
            "architecture: resnet18 given; did you mean `timm/resnet18` or `torchvision/resnet18`. accepted: caffenet,",
        ),
        ({"network": {"architecture": "ResNet_18"}}, "did you mean `timm/resnet18` or `torchvision/resnet18`."),
        (
            {"network": {"n": []}},
            r"network.n: \[\] given; accepted: all, or an array of \(integer, .*\), each value once, not empty",
        ),
        (
            {"training": {"input_size": 100}},
            "training.input_size: 100 given; accepted with network.architecture caffenet-mini: 32",
        ),
        (
            {"training": {"input_size": 64}},
            "training.input_size: 64 given; accepted: at most dataset.image_size, which is 32",
        ),
        ({"dataset": {"layout": "imagefolder"}}, r"dataset.root: none given; layout imagefolder needs it: --config"),
        (
            {"dataset": {"layout": "pictures", "root": "/data"}},
            "dataset.root: /data given; layout pictures draws its own images",
        ),
        (
            {"dataset": {"validation": 0}},
            "dataset.validation: 0 given; accepted: number or null, more than 0, less than",
        ),
        ({"dataset": {"fit": "crop"}}, "dataset.fit: 'crop' given; accepted: stretch, center-crop, or null"),
        (
            {"dataset": {"scale": "12 bits"}},
            "dataset.scale: '12 bits' given; accepted: auto, full, or two numbers, the",
        ),
        ({"dataset": {"scale": [0, 1, 2]}}, r"dataset.scale: \[0, 1, 2\] given; accepted: auto, full, or two numbers"),
        ({"dataset": {"scale": [4095, 0]}}, r"dataset.scale: \[4095, 0\] given; accepted: .* the smaller one first"),
        ({"dataset": {"scale": [0, float("inf")]}}, r"dataset.scale.1: inf given; accepted: number"),
        ({"results_dir": "../elsewhere"}, r"results_dir: '\.\./elsewhere' given; accepted: a path of letters"),
        ({"splits": {"sides": {"n1": "living"}}}, "splits.sides.n1: 'living' given; accepted: manmade, natural"),
        (
            {"preserved": {"n": [4, 6], "m": [2]}},
            r"preserved.m: 2 given with preserved.n 6; accepted: n \+ m at most 7",
        ),
        (
            {"reduced": {"training": {"input_size": 64}}},
            "reduced.training.input_size: 64 given; accepted: at most dataset.image_siz",
        ),
        (
            {"reduced": {"training": {"lenght": 1}}},
            "reduced.training.lenght: unknown key; did you mean `length`. accepted here: length, batch_",
        ),
        (
            {"network": {"pixels": {"mean": [0.5, 0.5, 0.5]}}},
            "network.pixels.mean: .* given; accepted: null, caffenet-mini takes pixels less the mean image",
        ),
        (
            {"network": {"architecture": "timm/test_resnet", "pixels": {"std": [0, 1, 1]}, "n": [1]}},
            "network.pixels.std: .* given; accepted: three numbers, more than 0",
        ),
        ({"network": {"pixels": {"std": [1, 1]}}}, "network.pixels.std: .* given; accepted: three numbers, or null"),
        ({"training": {"layer_decay": 0.75}}, "layer_decay: 0.75 given; accepted with .* caffe-sgd: 1; others"),
        (
            {"given": {"weights": {"a b": "f"}}},
            "given.weights: 'a b' given; accepted: names of letters, digits, _ and -",
        ),
        ({"given": {"weights": {"net": 3}}}, "given.weights.net: 3 given; accepted: a file, or a section"),
        ({"given": {"repeats": 0}}, "given.repeats: 0 given; accepted: integer or null, at least 1"),
        ({"device": "{"}, "mine.yaml: device: '{' given; accepted: auto, cpu, cuda"),
        (
            {"training": {"learning_rate": float("nan")}},
            "mine.yaml: training.learning_rate: nan given; accepted: number, more than 0",
        ),
        (
            {"training": {"learning_rate": float("inf")}},
            "mine.yaml: training.learning_rate: inf given; accepted: number, more than 0",
        ),
        ({"training": {"learning_rate": 10**400}}, "training.learning_rate: 10+ given; accepted: number, more than 0"),
        ({"dataset": {"scale": [0, float("nan")]}}, r"dataset.scale.1: nan given; accepted: number"),
        (
            {"network": {"pixels": {"mean": [0.1, float("nan"), 0.1]}}},
            "network.pixels.mean.1: nan given; accepted: number",
        ),
        ({"seed": 10**30}, "seed: 10+ given; accepted: integer, at least 0, at most 9223372036854775807"),
        ({"jobs": {"threads": 10**9}}, "jobs.threads: 1000000000 given; accepted: integer, at least 1, at most 1024"),
        (
            {"training": {"length": "99999999999 epochs"}},
            "training.length: '99999999999 epochs' given; accepted: a numb",
        ),
        ({"results_dir": "results/../../x"}, "results_dir: .* given; accepted: a path of letters, digits"),
        ({"training": 3}, "mine.yaml: training: 3 given; accepted: object"),
    ],
)
def test_an_error_names_file_key_value_and_what_is_accepted(layer, message, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(layer))
    with pytest.raises(InputError, match=message) as error:
        validate_config(merged(layer), [DEFAULT, file])
    assert "\n" not in str(error.value)


def test_all_errors_are_told_at_once_and_the_command_line_is_named(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("training: {momentum: 2, lr: 1, gamma: 1}")
    with pytest.raises(InputError) as error:
        validate_config(merged(yaml.safe_load(file.read_text()), {"seed": -1}), [DEFAULT, file])
    assert sorted(re.findall(r"^\S+: \S+(?=:)", str(error.value), re.MULTILINE)) == [
        "--config: seed",
        f"{file}: training.gamma",
        f"{file}: training.lr",
        f"{file}: training.momentum",
    ]


def test_numbers_on_the_command_line_arrive_as_numbers():
    training = {"learning_rate": "0.1", "horizontal_flip": "true", "weight_decay": "5e-4"}
    config = merged({"training": training, "network": {"n": ["1", "7"]}})
    validate_config(config, [DEFAULT])
    assert config["training"]["learning_rate"] == 0.1
    assert config["training"]["weight_decay"] == 5e-4
    assert config["training"]["horizontal_flip"] is True
    assert config["network"]["n"] == [1, 7]


def test_all_stands_for_every_number_of_layers_but_the_last():
    config = {"network": {"architecture": "caffenet-mini", "n": "all"}}
    complete_config(config, [])
    assert main_model(config).n == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("given", "layout", "fit", "orientation"),
    [
        ({}, "pictures", "stretch", "ignore"),
        ({"root": "cifar10"}, "imagefolder", "center-crop", "apply"),
        ({"root": "mine/list.CSV"}, "table", "center-crop", "apply"),
        ({"root": "cifar", "layout": "cifar-100"}, "cifar-100", "stretch", "ignore"),
        ({"root": "mine", "fit": "stretch"}, "imagefolder", "stretch", "apply"),
    ],
)
def test_what_the_root_looks_like_decides_what_is_not_given(given, layout, fit, orientation):
    config = {"dataset": dict(given)}
    complete_config(config, [])
    found = [config["dataset"][key] for key in ("layout", "fit", "orientation")]
    assert found == [layout, fit, orientation]


@pytest.mark.parametrize("name", ["imagenet", "imagenet-fast", "imagenet-resnet50", "tiny-imagenet", "cifar-100"])
def test_the_shipped_studies_squeeze_their_images_as_the_paper_does(name):
    config = merged(yaml.safe_load((REPOSITORY / "config" / f"{name}.yaml").read_text()))
    config["dataset"]["root"] = "/data/images"
    complete_config(config, [])
    assert (config["dataset"]["fit"], config["dataset"]["orientation"]) == ("stretch", "ignore")


def test_both_environments_are_the_same():
    lock = (REPOSITORY / "envs" / "requirements.lock").read_text().splitlines()
    environment = yaml.safe_load((REPOSITORY / "envs" / "environment.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == [line for line in lock if not line.startswith("#")]


def leaves(config: dict, above: str = ""):
    for name, value in config.items():
        yield above + name
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")


def test_every_key_has_a_description_and_a_default():
    def check(section, above):
        for name, part in section.get("properties", {}).items():
            assert "description" in part, f"{above}{name}"
            assert "default" in part or "properties" in part or "$ref" in part, f"{above}{name}"
            check(part, f"{above}{name}.")

    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    check(schema, "")
    check(schema["$defs"]["training"], "training.")
    assert {"training.learning_rate", "dataset.expected.val", "reduced.training.length"} <= set(
        leaves(default_config())
    )


def test_a_configuration_may_give_only_what_it_changes():
    config = {"training": {"learning_rate": 0.1}, "results_dir": "out", "reduced": {"training": {"learning_rate": 0.2}}}
    fill_defaults(config)
    expected = default_config()
    expected["results_dir"], expected["training"]["learning_rate"], expected["reduced"]["training"]["learning_rate"] = (
        "out",
        0.1,
        0.2,
    )
    assert json.dumps(config) == json.dumps(expected)  # in the same order
    assert default_config()["training"]["learning_rate"] == 0.04


def test_what_is_no_section_is_left_for_the_check_to_find():
    config = {"training": None, "splits": 3, "unknown": {}}
    with pytest.raises(InputError) as error:
        complete_config(config, [], elsewhere="config of module mine")
    assert sorted(str(error.value).splitlines()) == [
        "config of module mine: splits: 3 given; accepted: object",
        "config of module mine: training: None given; accepted: object",
        f"config of module mine: unknown: unknown key; accepted here: {', '.join(default_config())}",
    ]


def test_a_default_that_does_not_go_with_what_is_given_is_called_a_default():
    with pytest.raises(
        InputError, match=r"^the default: training\.input_size: 32 given; accepted: at most dataset.image_size"
    ):
        complete_config({"dataset": {"image_size": 16}}, [])


def test_paths_below_resources_are_the_repositorys_and_others_stay(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for given, found in {
        "resources/ilsvrc2012.csv": str(REPOSITORY / "resources" / "ilsvrc2012.csv"),
        "mine.csv": "mine.csv",
        "/data/resources/mine.csv": "/data/resources/mine.csv",
    }.items():
        config = {"dataset": {"expected": {"classes": given}}}
        complete_config(config, [])
        assert config["dataset"]["expected"]["classes"] == found


def test_every_configuration_names_its_schema_to_editors():
    for file in (REPOSITORY / "config").glob("*.yaml"):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        path = first.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / path).resolve() == SCHEMA, file


def written_again(readme: str) -> str:
    """config/README.md with its tables as the schema has them now."""
    return re.sub(
        r"(<!-- keys ?(\w*) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{key_table(match[2])}\n{match[3]}",
        readme,
        flags=re.DOTALL,
    )


def test_what_is_written_from_the_schema_is_up_to_date(request):
    readme = REPOSITORY / "config" / "README.md"
    expected = {DEFAULT: default_file(), readme: written_again(readme.read_text(encoding="utf-8"))}
    assert re.findall(r"<!-- keys ?(\w*) -->", expected[readme]) == ["", *sections()]
    if request.config.getoption("--write-docs"):
        for file, text in expected.items():
            file.write_text(text, encoding="utf-8")
    differ = [file.name for file, text in expected.items() if file.read_text(encoding="utf-8") != text]
    assert not differ, (
        f"{differ} and {SCHEMA.name} differ: edit the schema, and pytest tests/unit/study/test_config.py --write-docs"
    )


OLD = """
splits: {random: 3, manmade_natural: false}
random_filters: false
preserved: {n: [], m: []}
given: {weights: {mine: w.pth}}
dataset: {fit: cut}
training: {rate: 0.5, mirror: true, test_every: 2 epochs, smallest_area: 0.5, augmentation: crop}
reduced: {training: {crop: 32}}
"""


def test_names_of_earlier_versions_are_accepted_and_remarked(tmp_path):
    file = tmp_path / "old.yaml"
    file.write_text(OLD, encoding="utf-8")
    config = merged(yaml.safe_load(OLD), {"training": {"mirror": "false", "learning_rate": "0.7"}})
    remarks = complete_config(config, [DEFAULT, file], command_line={"training": {"mirror": "false", "rate": "0.7"}})
    assert config["experiments"] == ["random-splits", "reduced", "given"] and config["splits"]["random"] == 3
    assert "random_filters" not in config and "manmade_natural" not in config["splits"]
    training = config["training"]
    assert (training["learning_rate"], training["horizontal_flip"]) == (0.7, False), "the command line overrides"
    assert (training["evaluate_every"], training["min_crop_area"]) == ("2 epochs", 0.5)
    assert (training["augmentation"], config["reduced"]["training"]["input_size"]) == ("random-crop", 32)
    assert config["dataset"]["fit"] == "center-crop" and not {"rate", "mirror", "test_every"} & set(training)
    assert "rate is now called learning_rate" in remarks and "dataset.fit: cut is now called center-crop" in remarks
    assert remarks[-1].endswith("is replaced by experiments: [random-splits, reduced, given]")
    again = {"training": {"learning_rate": 0.7}}
    assert complete_config(again, []) == []


def test_a_configuration_with_experiments_has_no_switches_of_earlier_versions(tmp_path):
    file = tmp_path / "mixed.yaml"
    file.write_text("experiments: [random-splits]\nrandom_filters: false\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mixed\.yaml: random_filters: unknown key"):
        complete_config(merged(yaml.safe_load(file.read_text())), [DEFAULT, file])
    both = {"training": {"rate": 0.1, "learning_rate": 0.2}}
    with pytest.raises(InputError, match="rate and learning_rate given: two names of one configuration key"):
        complete_config(both, [])


@pytest.mark.parametrize(
    ("experiment", "needs"),
    [("mixed", "splits.mixed"), ("given", "given.weights"), ("reduced", "reduced.examples_per_class")],
)
def test_an_experiment_without_networks_is_an_error_that_says_what_it_needs(experiment, needs):
    config = {"experiments": [experiment], "reduced": {"examples_per_class": []}}
    with pytest.raises(InputError, match=f"experiments: {experiment} has no networks: give {needs}, or leave it out"):
        complete_config(config, [])


def test_switches_of_a_later_file_count_where_an_earlier_one_has_experiments(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("experiments: [random-splits, random-filters, reduced]\n", encoding="utf-8")
    second.write_text("random_filters: false\nreduced: {examples_per_class: []}\n", encoding="utf-8")
    layers = [yaml.safe_load(file.read_text()) for file in (first, second)]
    config = merged(*layers)
    assert complete_config(config, [DEFAULT, first, second]) != []
    assert config["experiments"] == ["random-splits"]
    with pytest.raises(InputError, match=r"random_filters: unknown key"):
        complete_config(merged(*layers[::-1]), [DEFAULT, second, first])
