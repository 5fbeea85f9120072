"""A study's configuration: defaults, checks with errors that say where, what and what instead, and what documents it.

All of it follows from the schema, which has the meaning, the default and the bounds of every key.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import yaml
from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.validators import extend

from transferability.common.errors import InputError
from transferability.study.config_file import read_config_file
from transferability.study.grid import NEEDS, experiments
from transferability.study.image_set import image_set_problems, resolve_image_set
from transferability.study.model_problems import model_problems
from transferability.study.old_names import accept_old_names, with_new_names
from transferability.study.rates import is_searched
from transferability.study.schema_errors import Key, Problem, problems_of

REPOSITORY = Path(__file__).parents[3]
DEFAULT_FILE = REPOSITORY / "config" / "config.yaml"
SCHEMA = REPOSITORY / "workflow" / "schemas" / "config.schema.yaml"
MISSING = object()


def _is_number(checker: TypeChecker, value: object) -> bool:
    """Whether a value is a number that training can compute with: neither infinite nor NaN."""
    return Draft202012Validator.TYPE_CHECKER.is_type(value, "number") and abs(value) <= sys.float_info.max


Validator = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number))


def complete_config(
    config: dict, files: Sequence[Path], elsewhere: str = "--config", command_line: Mapping = MappingProxyType({})
) -> list[str]:
    """Lay the defaults under a configuration, check it, and find what its values stand for, all in place.

    These are the repository's files that it names, and keys that follow from others where they are not given. It was
    merged from `files` and the `command_line`, each of which overrides those before; other arguments and errors are
    those of `validate_config`. Returns remarks for the user: which keys have new names.
    """
    layers = [read_config_file(file) for file in files if file.resolve() != DEFAULT_FILE] + [
        deepcopy(dict(command_line))
    ]
    remarks = accept_old_names(config, [layer for layer in layers if layer], default_config()["experiments"])
    fill_defaults(config)
    _override_tables(config, layers)
    validate_config(config, files, elsewhere)
    for key, part in keys_of(schema()):
        value = reduce(getitem, key, config)
        if part.get("format") == "repository-path" and str(value).startswith("resources/"):
            _put(config, key, str(REPOSITORY / value))
    resolve_image_set(config["dataset"])
    return remarks


def fill_defaults(config: dict) -> None:
    """Give a configuration, in place, every key that it leaves out; all keys get the order of the schema.

    So what follows from the configuration does not depend on who gave which of its keys.
    """
    _fill(config, default_config())


def _fill(config: dict, defaults: Mapping) -> None:
    given = dict(config)
    config.clear()
    for name, default in defaults.items():
        config[name] = given.pop(name, default)
        if isinstance(config[name], dict) and isinstance(default, dict):
            _fill(config[name], default)
    config.update(given)


def _override_tables(config: dict, layers: Sequence[Mapping]) -> None:
    """Give, in place, a key that holds a table of names (given.weights) the value that the last layer with it has.

    A workflow merges tables as if they were sections: weights of the command line would stand beside those of the file.
    """
    for key, part in keys_of(schema()):
        given = [value for layer in layers if (value := _value(layer, key)) is not MISSING]
        if isinstance(part["default"], dict) and given and _value(config, key) is not MISSING:
            _put(config, key, deepcopy(given[-1]))


def default_config() -> dict:
    """Return the configuration that gives nothing: all defaults."""
    config = {}
    for key, part in keys_of(schema()):
        *sections, _ = key
        reduce(lambda section, name: section.setdefault(name, {}), sections, config)
        _put(config, key, deepcopy(part["default"]))
    return config


@cache
def schema() -> Mapping:
    """Return the schema."""
    return read_config_file(SCHEMA)


def keys_of(section: Mapping, above: Key = ()) -> Iterator[tuple[Key, Mapping]]:
    """Yield every key below a section of the schema, with what the schema says of it. Those with a default are keys."""
    for name, part in section["properties"].items():
        part = _with_reference(part)
        if "default" in part:
            yield (*above, name), part
        else:
            yield from keys_of(part, (*above, name))


def _with_reference(part: Mapping) -> Mapping:
    """Return a part of the schema with what it refers to; what it says itself counts."""
    if "$ref" not in part:
        return part
    name = part["$ref"].removeprefix("#/$defs/")
    return {**schema()["$defs"][name], **part}


def _put(config: dict, key: Key, value) -> None:
    *sections, last = key
    reduce(getitem, sections, config)[last] = value


def validate_config(config: dict, files: Iterable[Path], elsewhere: str = "--config") -> None:
    """Check a configuration that is complete; raise InputError with a line for each thing that is wrong.

    Values in --config 'training={learning_rate: 0.1}' arrive as text: text where a number or the like is wanted
    is read as YAML, in place.

    `files` are the YAML files it was merged from: a line names one that gives the key this value or, where none does,
    "the default" or what `elsewhere` calls the other place that gives keys.
    """
    validator = Validator(schema())
    _read_texts(config, validator)
    keys = [key for key, _ in keys_of(schema())]
    problems = [problem for error in validator.iter_errors(config) for problem in problems_of(error, keys)]
    problems = problems or list(_inconsistencies(config))
    if problems:
        contents = {str(file): with_new_names(read_config_file(file)) for file in files}
        lines = [
            f"{_origin(key, config, contents) or elsewhere}: {'.'.join(map(str, key))}: {text}"
            for key, text in problems
        ]
        raise InputError("\n".join(lines))


def _inconsistencies(config: Mapping) -> Iterator[Problem]:
    """Yield what is wrong with values that are well-formed each but do not go together."""
    yield from model_problems(config)
    yield from _experiment_problems(config)
    yield from _training_problems(config["training"])
    yield from image_set_problems(config["dataset"])


def _experiment_problems(config: Mapping) -> Iterator[Problem]:
    some = SimpleNamespace(n=[1], layers=range(3))  # whether an experiment has networks does not depend on the model
    for name, networks in experiments(config, lambda split: some).items():
        if name in config["experiments"] and not networks:
            yield ("experiments",), f"{name} has no networks: {NEEDS[name]}, or leave it out"
    if isinstance(rates := config["reduced"]["training"].get("learning_rate"), list):
        yield ("reduced", "training", "learning_rate"), f"{rates} given; accepted there: one rate"
    if is_searched(config["training"]) and (others := set(config["experiments"]) - {"given"}):
        text = (
            f"{config['training']['learning_rate']} given with experiments {', '.join(sorted(others))}; accepted there"
        )
        yield ("training", "learning_rate"), f"{text}: one rate"
    folds, repeats = config["dataset"]["folds"], config["given"]["repeats"]
    if folds and repeats and repeats % folds:
        yield (
            ("given", "repeats"),
            f"{repeats} given with dataset.folds {folds}; accepted: null, or a multiple of {folds}",
        )
    if config["dataset"]["folds"] and (others := set(config["experiments"]) - {"given"}):
        text = f"{config['dataset']['folds']} given; experiments {', '.join(sorted(others))} need one set of validation"
        yield ("dataset", "folds"), f"{text} images for all: give dataset.validation, or only experiment given"


def _training_problems(training: Mapping) -> Iterator[Problem]:
    if training["layer_decay"] != 1 and training["optimizer"] == "caffe-sgd":
        text = "accepted with training.optimizer caffe-sgd: 1; others need sgd or adamw"
        yield ("training", "layer_decay"), f"{training['layer_decay']} given; {text}"


def _read_texts(config: dict, validator: Draft202012Validator) -> None:
    for error in list(validator.iter_errors(config)):
        if isinstance(error.instance, str) and _value(config, tuple(error.absolute_path)) == error.instance:
            _put(config, tuple(error.absolute_path), _read_text(error.instance))


def _read_text(text: str):
    for read in (int, float, yaml.safe_load):  # float also takes 1e-3, which is text in YAML 1.1
        try:
            return read(text)
        except (ValueError, yaml.YAMLError):
            continue
    return text


def _origin(key: Key, config: Mapping, contents: Mapping[str, Mapping]) -> str | None:
    """Name a file that gives a key the value it has, or the default; None if neither does."""
    value = _value(config, key)
    for file, content in reversed(contents.items()):
        given = _value(content, key)
        if given is not MISSING and (given == value or repr(given) == repr(value)):  # NaN is not equal to itself
            return file
    return "the default" if value is not MISSING and value == _value(default_config(), key) else None


def _value(content, key: Key):
    try:
        return reduce(getitem, key, content)
    except (KeyError, IndexError, TypeError):
        return MISSING
