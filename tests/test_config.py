import copy
import re

import pytest
import yaml
from snakemake.utils import update_config

from transferability.common.errors import InputError
from transferability.study.configuration import SCHEMA, validate_config

from .conftest import REPOSITORY

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
        ({"trainig": {}}, "mine.yaml: trainig: unknown key; accepted here: results_dir, seed"),
        ({"training": {"ratte": 1}}, "mine.yaml: training.ratte: unknown key; accepted here: length, batch_size, rate"),
        ({"training": {"rate": -1}}, "mine.yaml: training.rate: -1 given; accepted: number, more than 0"),
        ({"training": {"length": "20"}}, 'training.length: 20 given; accepted: a number and a unit, as in "450000 it'),
        ({"training": {"schedule": "linear"}}, "training.schedule: 'linear' given; accepted: step, cosine, one-cycle"),
        ({"dataset": {"layout": "folders"}}, "dataset.layout: 'folders' given; accepted: pictures, imagefolder, tiny"),
        ({"network": {"n": [1, 8]}}, "network.n.1: 8 given; accepted: integer, at least 1, at most 7"),
        ({"network": {"n": []}}, r"network.n: \[\] given; accepted: array, each value once, not empty"),
        ({"training": {"crop": 100}}, "training.crop: 100 given; accepted with network.architecture caffenet-mini: 32"),
        ({"training": {"crop": 64}}, "training.crop: 64 given; accepted: at most dataset.image_size, which is 32"),
        ({"dataset": {"layout": "imagefolder"}}, r"dataset.root: none given; layout imagefolder needs it: --config"),
        ({"dataset": {"root": "/data"}}, "dataset.root: /data given; layout pictures draws its own"),
        ({"results_dir": "../elsewhere"}, r"results_dir: '\.\./elsewhere' given; accepted: a path of letters"),
        ({"splits": {"sides": {"n1": "living"}}}, "splits.sides.n1: 'living' given; accepted: manmade, natural"),
        (
            {"preserved": {"n": [4, 6], "m": [2]}},
            r"preserved.m: 2 given with preserved.n 6; accepted: n \+ m at most 7",
        ),
        (
            {"reduced": {"training": {"crop": 64}}},
            "reduced.training.crop: 64 given; accepted: at most dataset.image_siz",
        ),
        (
            {"reduced": {"training": {"lenght": 1}}},
            "reduced.training.lenght: unknown key; accepted here: length, batch_",
        ),
        ({"device": "{"}, "mine.yaml: device: '{' given; accepted: auto, cpu, cuda"),
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
    training = {"rate": "0.1", "mirror": "true", "weight_decay": "5e-4"}
    config = merged({"training": training, "network": {"n": ["1", "7"]}})
    validate_config(config, [DEFAULT])
    assert config["training"]["rate"] == 0.1
    assert config["training"]["weight_decay"] == 5e-4
    assert config["training"]["mirror"] is True
    assert config["network"]["n"] == [1, 7]


def test_both_environments_are_the_same():
    lock = (REPOSITORY / "envs" / "requirements.lock").read_text().splitlines()
    environment = yaml.safe_load((REPOSITORY / "envs" / "environment.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == [line for line in lock if not line.startswith("#")]


def test_every_key_is_explained():
    schema = yaml.safe_load(SCHEMA.read_text())

    def keys(part, above=""):
        for name, value in part.get("properties", {}).items():
            yield above + name
            yield from keys(value, f"{above}{name}.")
        if part.get("$ref") == "#/$defs/training" and above == "training.":
            yield from keys(schema["$defs"]["training"], above)

    text = (REPOSITORY / "config" / "README.md").read_text()
    assert "training.rate" in set(keys(schema))
    assert [key for key in keys(schema) if f"`{key}`" not in text] == []
