"""Checking a study's configuration, with errors that say where, what and what instead."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from transferability.errors import InputError

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"
SIZES = {"caffenet": (227,), "caffenet-mini": (32, 64)}  # pixels that each architecture takes


def validate_config(config: Mapping, files: Iterable[Path]) -> None:
    """Check a merged configuration; raise InputError with a line for each thing that is wrong.

    `files` are the YAML files it was merged from, in order: a line names the last one that sets the key, or
    "--config" where none does.
    """
    problems = [
        _describe(error) for error in Draft202012Validator(yaml.safe_load(SCHEMA.read_text())).iter_errors(config)
    ]
    if not problems:
        problems = list(_inconsistencies(config))
    if problems:
        contents = {str(file): yaml.safe_load(Path(file).read_text()) or {} for file in files}
        lines = [
            f"{_origin(key, contents)}: key {'.'.join(map(str, key)) or '(top level)'}: {problem}"
            for key, problem in problems
        ]
        raise InputError("\n".join(lines))


def _inconsistencies(config: Mapping) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield (key, problem) for values that are well-formed each but do not go together."""
    crop, size = config["training"]["crop"], config["dataset"]["image_size"]
    architecture = config["network"]["architecture"]
    if crop not in SIZES[architecture]:
        yield ("training", "crop"), f"{crop} given; {architecture} takes {' or '.join(map(str, SIZES[architecture]))}"
    elif crop > size:
        yield ("training", "crop"), f"{crop} given; at most dataset.image_size, which is {size}"
    if config["dataset"]["layout"] != "pictures" and not config["dataset"].get("root"):
        yield (
            ("dataset", "root"),
            f"missing; layout {config['dataset']['layout']} needs it: --config 'dataset={{root: DIRECTORY}}'",
        )


def _describe(error: ValidationError) -> tuple[tuple, str]:
    key = tuple(error.absolute_path)
    schema = error.schema
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(schema["properties"]), key=str)
        return (
            *key,
            unknown[0],
        ), f"{', '.join(map(str, unknown))} is not known; accepted here: {', '.join(schema['properties'])}"
    if error.validator == "required":
        missing = [name for name in schema["required"] if name not in error.instance]
        return (*key, missing[0]), f"missing; needed here: {', '.join(schema['required'])}"
    return key, f"{error.instance!r} given; accepted: {_accepted(error)}"


def _accepted(error: ValidationError) -> str:
    schema = error.schema
    if "description" in schema:
        return schema["description"]
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    kind = schema.get("type", "")
    words = [" or ".join(kind) if isinstance(kind, list) else str(kind)]
    words += [f"{phrase} {schema[bound]}" for bound, phrase in bounds.items() if bound in schema]
    words += ["each value once"] * bool(schema.get("uniqueItems"))
    words += ["not empty"] * ("minItems" in schema or "minLength" in schema)
    return ", ".join(words)


def _origin(key: tuple, contents: Mapping[str, Mapping]) -> str:
    """Name the last file that sets a key or, for one that none sets, the command line."""
    for depth in range(len(key), 0, -1):
        for file, content in reversed(list(contents.items())):
            if _has(content, key[:depth]):
                return (
                    file
                    if depth == len(key) or not isinstance(_value(content, key[:depth]), dict)
                    else f"--config or {file}"
                )
    return "--config"


def _value(content, key: tuple):
    for part in key:
        content = content[part]
    return content


def _has(content, key: tuple) -> bool:
    try:
        _value(content, key)
    except (KeyError, IndexError, TypeError):
        return False
    return True
