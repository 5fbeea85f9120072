"""Explanations of common mistakes on the command line, for which Snakemake prints a traceback."""

import re
from collections.abc import Iterable

DOTTED = re.compile(r"([A-Za-z]\w*)\.([\w.]+)=(.*)", re.DOTALL)  # dataset.root=/images
NOT_A_PAIR = re.compile(r"name=value pairs\. \(Unparsable value: (.*)\)")
NO_FILE = re.compile(r"load_configfile.*^FileNotFoundError: .*: (['\"].*['\"])$", re.DOTALL | re.MULTILINE)
TARGETS_FIRST = "targets come before --configfile, which takes all arguments that follow"


def explain(message: str, arguments: Iterable[str]) -> str:
    """Return an explanation of an error of Snakemake, in one line with the remedy; "" for all other errors.

    `arguments` are the command-line arguments of Snakemake.
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
        return f"--configfile: {found[1]} does not exist; {TARGETS_FIRST}"
    return ""


def _nested(section: str, key: str, value: str) -> str:
    names = key.split(".")
    nested = "".join(f"{{{name}: " for name in names) + value + "}" * len(names)
    return f"--config {section}.{key}={value}: dotted keys are not accepted; give --config '{section}={nested}'"
