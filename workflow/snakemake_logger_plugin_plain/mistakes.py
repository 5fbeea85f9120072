"""Common mistakes on the command line, which Snakemake answers with a traceback."""

import re
from collections.abc import Iterable

DOTTED = re.compile(r"([A-Za-z]\w*)\.([\w.]+)=(.*)", re.DOTALL)  # dataset.root=/images
NOT_A_PAIR = re.compile(r"name=value pairs\. \(Unparsable value: (.*)\)")
NO_FILE = re.compile(r"load_configfile.*^FileNotFoundError: .*: (['\"].*['\"])$", re.DOTALL | re.MULTILINE)
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
    return ""


def _nested(section: str, key: str, value: str) -> str:
    names = key.split(".")
    nested = "".join(f"{{{name}: " for name in names) + value + "}" * len(names)
    return f"--config {section}.{key}={value}: a key stands in its section; give --config '{section}={nested}'"
