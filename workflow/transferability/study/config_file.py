"""Reading a configuration file as plain data. Content that a workflow would execute, drop or misread is an error."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

from transferability.common.errors import InputError

TEMPLATE = "__use_yte__"  # with this key, snakemake treats a file as a template and runs the Python in it
MERGE = "tag:yaml.org,2002:merge"  # the tag of <<, which may occur twice
# The C loader, which PyYAML's wheels include, saves 0.1 s at each start of a workflow. yaml.load is not used: the
# linter forbids it, because it accepts unsafe loaders.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_config_file(file: Path) -> dict:
    """Return the content of a YAML or JSON file, without running anything in it.

    Raises InputError, with file and line, if the file is neither YAML nor JSON, has a key twice, has no keys, or is a
    template.
    """
    text = _text(file)
    try:
        content = _of_json_or_yaml(file, text)
    except RecursionError as error:
        raise InputError(f"{file}: sections are nested too deeply; give at most a few levels") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file}: no keys in the file; give keys such as results_dir: results/mine")
    if TEMPLATE in content:
        raise InputError(
            f"{file}: {TEMPLATE}: with this key snakemake runs the Python in a file; remove it and give plain values"
        )
    return content


def _text(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file}: not a regular file, and jobs need to read it repeatedly; save it as a file")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: not UTF-8 text; save it as UTF-8, or give another file (targets come before --configfile, "
            "which takes all arguments that follow)"
        ) from error


def _of_json_or_yaml(file: Path, text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _each_once(file, pairs))
    except ValueError:
        return _of_yaml(file, text)


def _each_once(file: Path, pairs: Iterable[tuple[str, object]]) -> dict:
    content = {}
    for key, value in pairs:
        if key in content:
            raise InputError(f"{file}: {key}: given twice, and only the last would be used; join the two")
        content[key] = value
    return content


def _of_yaml(file: Path, text: str) -> object:
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_keys(file, loader, node, set())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{file}{line}: not YAML: {error.problem}") from error
    except (ValueError, yaml.YAMLError) as error:  # for example a date that does not exist
        raise InputError(f"{file}: not YAML: {' '.join(str(error).split())}") from error


def _check_keys(file: Path, loader: yaml.SafeLoader, node: yaml.Node, checked: set[int]) -> None:
    """Raise InputError for a key that a section gives twice."""
    if id(node) in checked or isinstance(node, yaml.ScalarNode):
        return
    checked.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        parts = node.value
    else:
        parts = [value for _, value in node.value]
        lines = {}
        for name in [name for name, _ in node.value if isinstance(name, yaml.ScalarNode) and name.tag != MERGE]:
            key, line = loader.construct_object(name), name.start_mark.line + 1
            if key in lines:
                raise InputError(
                    f"{file}, line {line}: {key}: given twice, also in line {lines[key]}, and only the last would "
                    "be used; join the two"
                )
            lines[key] = line
    for part in parts:
        _check_keys(file, loader, part, checked)
