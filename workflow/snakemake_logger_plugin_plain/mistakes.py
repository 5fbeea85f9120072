"""Common mistakes on the command line and in configuration files, which Snakemake answers with a traceback."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

DOTTED = re.compile(r"([A-Za-z]\w*)\.([\w.]+)=(.*)", re.DOTALL)  # dataset.root=/images
NOT_A_PAIR = re.compile(r"name=value pairs\. \(Unparsable value: (.*)\)")
NO_FILE = re.compile(r"load_configfile.*^FileNotFoundError: .*: (['\"].*['\"])$", re.DOTALL | re.MULTILINE)
NO_SETTINGS = re.compile(
    "Config file (is not valid|must be given as) JSON or YAML|load_configfile.*UnicodeDecodeError", re.DOTALL
)
TARGETS_FIRST = "targets come before --configfile, which takes all that follow"


def explain(message: str, arguments: Iterable[str]) -> str:
    """Return what an error of Snakemake's means, in a line with the remedy; "" for errors that say it themselves.

    `arguments` are those that Snakemake was called with.
    """
    arguments = list(arguments)
    if "Config entry must start with a valid identifier" in message:
        return "\n".join(_nested(*found.groups()) for found in map(DOTTED.fullmatch, arguments) if found)
    if found := NOT_A_PAIR.search(message):
        return (
            f"--config: {found[1]} is not KEY=VALUE; put quotes around a value with spaces, --config "
            "'dataset={root: /images}', and targets before --config"
        )
    if found := NO_FILE.search(message):
        return f"--configfile: {found[1]} is not there; {TARGETS_FIRST}"
    if NO_SETTINGS.search(message):
        return "\n".join(filter(None, map(_what_ails, arguments)))
    return ""


def _nested(section: str, key: str, value: str) -> str:
    names = key.split(".")
    nested = "".join(f"{{{name}: " for name in names) + value + "}" * len(names)
    return f"--config {section}.{key}={value}: a key stands in its section; give --config '{section}={nested}'"


def _what_ails(name: str) -> str:
    """Return why a file is no configuration; "" if it is one, or no file."""
    try:
        content = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        return f"{name}, line {error.problem_mark.line + 1}: not YAML: {error.problem}"
    except UnicodeDecodeError:
        return f"{name}: no text in UTF-8; {TARGETS_FIRST}"
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    without = f"{name}: no keys in it; a configuration has some, results_dir: results/mine"
    return "" if isinstance(content, dict) else without
