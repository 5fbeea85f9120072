"""Checking a study's configuration, with errors that say where, what and what instead."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import getitem
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from transferability.common.errors import InputError

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
SIZES = {"caffenet": (227,), "caffenet-mini": (32, 64)}  # pixels that each architecture takes
MISSING = object()

Problem = tuple[tuple[str | int, ...], str]  # a key, part by part, and what is wrong with it


def validate_config(config: dict, files: Iterable[Path]) -> None:
    """Check a merged configuration; raise InputError with a line for each thing that is wrong.

    Snakemake leaves the values in --config 'training={rate: 0.1}' as text: text where a number or the like is wanted
    is read as YAML, in place.

    `files` are the YAML files it was merged from, in order: a line names the last one that gives the key this value,
    or "--config" where none does.
    """
    validator = Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    _read_texts(config, validator)
    problems = [problem for error in validator.iter_errors(config) for problem in _describe(error)]
    problems = problems or list(_inconsistencies(config))
    if problems:
        contents = {str(file): yaml.safe_load(Path(file).read_text(encoding="utf-8")) for file in files}
        lines = [f"{_origin(key, config, contents)}: {'.'.join(map(str, key))}: {text}" for key, text in problems]
        raise InputError("\n".join(lines))


def _inconsistencies(config: Mapping) -> Iterator[Problem]:
    """Yield what is wrong with values that are well-formed each but do not go together."""
    architecture, image_size = config["network"]["architecture"], config["dataset"]["image_size"]
    layout, root = config["dataset"]["layout"], config["dataset"]["root"]
    for section, training in (
        (("training",), config["training"]),
        (("reduced", "training"), config["reduced"]["training"]),
    ):
        crop, key = training.get("crop"), (*section, "crop")
        if crop and crop not in SIZES[architecture]:
            accepted = " or ".join(map(str, SIZES[architecture]))
            yield key, f"{crop} given; accepted with network.architecture {architecture}: {accepted}"
        elif crop and crop > image_size:
            yield key, f"{crop} given; accepted: at most dataset.image_size, which is {image_size}"
    n, m = (max(config["preserved"][key], default=0) for key in "nm")
    if n + m > 7:
        yield ("preserved", "m"), f"{m} given with preserved.n {n}; accepted: n + m at most 7, layer 8 is always new"
    if layout != "pictures" and not root:
        yield ("dataset", "root"), f"none given; layout {layout} needs it: --config 'dataset={{root: DIRECTORY}}'"
    if layout == "pictures" and root:
        yield ("dataset", "root"), f"{root} given; layout pictures draws its own, images need another dataset.layout"


def _read_texts(config: dict, validator: Draft202012Validator) -> None:
    for error in list(validator.iter_errors(config)):
        if isinstance(error.instance, str) and error.absolute_path:
            *parents, last = error.absolute_path
            reduce(getitem, parents, config)[last] = _read_text(error.instance)


def _read_text(text: str):
    for read in (int, float, yaml.safe_load):  # float also takes 1e-3, which is text in YAML 1.1
        try:
            return read(text)
        except (ValueError, yaml.YAMLError):
            continue
    return text


def _describe(error: ValidationError) -> Iterator[Problem]:
    key = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        for unknown in sorted(set(error.instance) - set(error.schema["properties"]), key=str):
            yield (*key, unknown), f"unknown key; accepted here: {', '.join(error.schema['properties'])}"
    elif error.validator == "required":
        for missing in (name for name in error.schema["required"] if name not in error.instance):
            yield (*key, missing), "missing key; config/config.yaml gives its default"
    else:
        yield key, f"{error.instance!r} given; accepted: {_accepted(error.schema)}"


def _accepted(schema: Mapping) -> str:
    if "description" in schema:
        return schema["description"]
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    words = [" or ".join(kinds)] + [f"{phrase} {schema[bound]}" for bound, phrase in bounds.items() if bound in schema]
    words += ["each value once"] * ("uniqueItems" in schema) + ["not empty"] * ("minItems" in schema)
    return ", ".join(words)


def _origin(key: tuple, config: Mapping, contents: Mapping[str, Mapping]) -> str:
    """Name the last file that gives a key the value it has, or else the command line."""
    for file, content in reversed(contents.items()):
        value = _value(content, key)
        if value is not MISSING and value == _value(config, key):
            return file
    return "--config"


def _value(content, key: tuple):
    try:
        return reduce(getitem, key, content)
    except (KeyError, IndexError, TypeError):
        return MISSING
