"""A file of configuration, read as data: what a workflow would run, leave out or misread in it is an error."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

from transferability.common.errors import InputError

TEMPLATE = "__use_yte__"  # with this key snakemake takes a file for a template, and runs the Python in it
MERGE = "tag:yaml.org,2002:merge"  # of <<, which may be there twice
# In C where PyYAML has it, as its wheels do: .1 s sooner at each start of a workflow. Not by yaml.load, which the
# linter forbids: it could be given an unsafe loader.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_config_file(file: Path) -> dict:
    """Return what a file of YAML or JSON gives, without running anything in it.

    Raises InputError that names file and line where it is neither, gives a key twice or no keys, or is a template.
    """
    text = _text(file)
    try:
        content = _of_json_or_yaml(file, text)
    except RecursionError as error:
        raise InputError(f"{file}: sections within sections without end; a configuration has few") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file}: no keys in it; a configuration has some, results_dir: results/mine")
    if TEMPLATE in content:
        raise InputError(
            f"{file}: {TEMPLATE}: with this key snakemake runs the Python in a file; give plain values, without the key"
        )
    return content


def _text(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file}: no file that can be read again and again, as jobs do; write it to one")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: no text in UTF-8; save it as UTF-8, or give another file (targets come before --configfile, "
            "which takes all that follow)"
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
            raise InputError(f"{file}: {key}: given twice, and only the last would count; join the two")
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
    except (ValueError, yaml.YAMLError) as error:  # as for a date that there is not
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
                    f"{file}, line {line}: {key}: given twice, in line {lines[key]} too, and only the last would "
                    "count; join the two"
                )
            lines[key] = line
    for part in parts:
        _check_keys(file, loader, part, checked)
