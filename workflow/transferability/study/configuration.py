"""A study's configuration: defaults, checks with errors that say where, what and what instead, and what documents it.

All of it follows from the schema, which has the meaning, the default and the bounds of every key.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from types import MappingProxyType

import yaml
from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.validators import extend

from transferability.common.errors import InputError
from transferability.study.architectures import (
    catalogue,
    house_names,
    is_of_a_library,
    sizes_in_words,
    study_blueprint,
    study_layers,
)
from transferability.study.config_file import read_config_file
from transferability.study.image_set import image_set_problems, resolve_image_set
from transferability.study.schema_errors import Key, Problem, accepted, did_you_mean, problems_of

REPOSITORY = Path(__file__).parents[3]
SCHEMA = REPOSITORY / "workflow" / "schemas" / "config.schema.yaml"
ALL = "all"  # value of network.n: every number of layers
MISSING = object()


def _is_number(checker: TypeChecker, value: object) -> bool:
    """Whether a value is a number that training can compute with: neither infinite nor NaN."""
    return Draft202012Validator.TYPE_CHECKER.is_type(value, "number") and abs(value) <= sys.float_info.max


Validator = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number))


def complete_config(
    config: dict, files: Sequence[Path], elsewhere: str = "--config", command_line: Mapping = MappingProxyType({})
) -> None:
    """Lay the defaults under a configuration, check it, and find what its values stand for, all in place.

    These are the repository's files that it names, and keys that follow from others where they are not given. It was
    merged from `files` and the `command_line`, each of which overrides those before; other arguments and errors are
    those of `validate_config`.
    """
    fill_defaults(config)
    _override_tables(config, [*map(read_config_file, files), command_line])
    validate_config(config, files, elsewhere)
    for key, part in _keys(_schema()):
        value = reduce(getitem, key, config)
        if part.get("format") == "repository-path" and str(value).startswith("resources/"):
            _put(config, key, str(REPOSITORY / value))
    resolve_image_set(config["dataset"])
    if config["network"]["n"] == ALL:
        config["network"]["n"] = list(range(1, len(study_layers(config))))


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
    for key, part in _keys(_schema()):
        given = [value for layer in layers if (value := _value(layer, key)) is not MISSING]
        if isinstance(part["default"], dict) and given and _value(config, key) is not MISSING:
            _put(config, key, deepcopy(given[-1]))


def default_config() -> dict:
    """Return the configuration that gives nothing: all defaults."""
    config = {}
    for key, part in _keys(_schema()):
        *sections, _ = key
        reduce(lambda section, name: section.setdefault(name, {}), sections, config)
        _put(config, key, deepcopy(part["default"]))
    return config


@cache
def _schema() -> Mapping:
    return read_config_file(SCHEMA)


def _keys(section: Mapping, above: Key = ()) -> Iterator[tuple[Key, Mapping]]:
    """Yield every key below a section of the schema, with what the schema says of it. Those with a default are keys."""
    for name, part in section["properties"].items():
        part = _with_reference(part)
        if "default" in part:
            yield (*above, name), part
        else:
            yield from _keys(part, (*above, name))


def _with_reference(part: Mapping) -> Mapping:
    """Return a part of the schema with what it refers to; what it says itself counts."""
    if "$ref" not in part:
        return part
    name = part["$ref"].removeprefix("#/$defs/")
    return {**_schema()["$defs"][name], **part}


def _put(config: dict, key: Key, value) -> None:
    *sections, last = key
    reduce(getitem, sections, config)[last] = value


def validate_config(config: dict, files: Iterable[Path], elsewhere: str = "--config") -> None:
    """Check a configuration that is complete; raise InputError with a line for each thing that is wrong.

    Values in --config 'training={rate: 0.1}' arrive as text: text where a number or the like is wanted
    is read as YAML, in place.

    `files` are the YAML files it was merged from: a line names one that gives the key this value or, where none does,
    "the default" or what `elsewhere` calls the other place that gives keys.
    """
    validator = Validator(_schema())
    _read_texts(config, validator)
    keys = [key for key, _ in _keys(_schema())]
    problems = [problem for error in validator.iter_errors(config) for problem in problems_of(error, keys)]
    problems = problems or list(_inconsistencies(config))
    if problems:
        contents = {str(file): read_config_file(file) for file in files}
        lines = [
            f"{_origin(key, config, contents) or elsewhere}: {'.'.join(map(str, key))}: {text}"
            for key, text in problems
        ]
        raise InputError("\n".join(lines))


def _inconsistencies(config: Mapping) -> Iterator[Problem]:
    """Yield what is wrong with values that are well-formed each but do not go together."""
    yield from _network_problems(config)
    yield from _pixel_problems(config)
    yield from _crop_problems(config)
    yield from image_set_problems(config["dataset"])


def _network_problems(config: Mapping) -> Iterator[Problem]:
    architecture, n = config["network"]["architecture"], config["network"]["n"]
    known = sorted({*catalogue(), *house_names()})
    if architecture not in known and not is_of_a_library(architecture):
        hint = did_you_mean(architecture, known, called=lambda name: name.rpartition("/")[2])
        text = f"{architecture} given; {hint}accepted: {', '.join(house_names())}, torchvision/NAME, timm/NAME"
        yield ("network", "architecture"), text
        return
    try:
        last = len(study_layers(config)) - 1
        study_blueprint(config)
    except InputError as error:
        yield ("network", "architecture"), str(error)
        return
    if n != ALL and max(n) > last:
        text = f"{max(n)} given; accepted: at most {last}, layer {last + 1} of {architecture} is new"
        yield ("network", "n"), text
    n, m = (max(config["preserved"][key], default=0) for key in "nm")
    if n + m > last:
        text = f"{m} given with preserved.n {n}; accepted: n + m at most {last}, layer {last + 1} is always new"
        yield ("preserved", "m"), text


def _pixel_problems(config: Mapping) -> Iterator[Problem]:
    architecture, pixels = config["network"]["architecture"], config["network"]["pixels"]
    for key in ("mean", "std"):
        if pixels[key] and not is_of_a_library(architecture):
            text = f"{pixels[key]} given; accepted: null, {architecture} takes pixels less the mean image"
            yield ("network", "pixels", key), text
    if pixels["std"] and min(pixels["std"]) <= 0:
        yield ("network", "pixels", "std"), f"{pixels['std']} given; accepted: three numbers, more than 0"


def _crop_problems(config: Mapping) -> Iterator[Problem]:
    architecture, image_size = config["network"]["architecture"], config["dataset"]["image_size"]
    row = catalogue().get(architecture)
    for section, training in (
        (("training",), config["training"]),
        (("reduced", "training"), config["reduced"]["training"]),
    ):
        crop, key = training.get("crop"), (*section, "crop")
        if crop and row and crop not in row.sizes:
            yield key, f"{crop} given; accepted with network.architecture {architecture}: {sizes_in_words(row.sizes)}"
        elif crop and crop > image_size:
            yield key, f"{crop} given; accepted: at most dataset.image_size, which is {image_size}"


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


def sections() -> list[str]:
    """Return the names of the configuration's sections."""
    return list(dict.fromkeys(key[0] for key, _ in _keys(_schema()) if len(key) > 1))


def key_table(section: str) -> str:
    """Return the table in config/README.md of a section's keys, in Markdown; "" is for the keys outside sections."""
    lines = ["| key | meaning | default | accepted |", "| --- | --- | --- | --- |"]
    for key, part in _keys(_schema()):
        if (key[0] if len(key) > 1 else "") == section:
            default = yaml.safe_dump(part["default"], default_flow_style=True, sort_keys=False, width=1000)
            default = default.removesuffix("...\n").strip()
            lines.append(f"| `{'.'.join(key)}` | {part['description']} | `{default}` | {_accepted_in_table(part)} |")
    return "\n".join(lines)


def _accepted_in_table(part: Mapping) -> str:
    if "properties" in part:
        return "keys of " + part["$ref"].removeprefix("#/$defs/")
    return accepted(part)


HEADER = """\
# yaml-language-server: $schema=../workflow/schemas/config.schema.yaml
# The default study: pictures drawn on the spot, Figure 2 in minutes on a laptop. Every key, with its default.
# Written from workflow/schemas/config.schema.yaml, where defaults change (pytest tests/test_config.py --write-docs).
# For a study of your own, give a file with the keys that you change: --configfile mine.yaml
"""


class _Dumper(yaml.SafeDumper):
    """Lists in one line."""


_Dumper.add_representer(list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, True))


def default_file() -> str:
    """Return the content of config/config.yaml."""
    parts = [HEADER]
    for name, value in default_config().items():
        text = yaml.dump({name: value}, Dumper=_Dumper, sort_keys=False, width=120)
        if isinstance(value, dict):
            text = f"\n{text}\n"
        parts.append(text)
    return "".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"
