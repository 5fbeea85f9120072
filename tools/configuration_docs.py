"""The documentation of the configuration, generated from the schema: config/config.yaml and tables in config/README.md.

`pytest tests/unit/study/test_config.py --write-docs` generates both again.
"""

import re
from collections.abc import Mapping

import yaml

from transferability.study.configuration import default_config, keys_of, schema
from transferability.study.schema_errors import accepted

HEADER = """\
# yaml-language-server: $schema=../workflow/schemas/config.schema.yaml
# The default study: pictures drawn on the spot, Figure 2 in minutes on a laptop. Every key with its default. README.md
# beside this file says more of each. Written from workflow/schemas/config.schema.yaml, where defaults change (pytest
# tests/unit/study/test_config.py --write-docs). For a study of your own, give a file with the keys that you change:
# --configfile mine.yaml
"""


class _Dumper(yaml.SafeDumper):
    """Writes lists in one line."""


_Dumper.add_representer(list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, True))


def default_file() -> str:
    """Return the content of config/config.yaml: every key, with the beginning of its description as a comment."""
    comments = {".".join(key): _comment(part) for key, part in keys_of(schema())}
    lines, path, sections = [], [], {name for name, value in default_config().items() if isinstance(value, dict)}
    for line in yaml.dump(default_config(), Dumper=_Dumper, sort_keys=False, width=1000).splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        before, path = path, [*path[:depth], line.strip().partition(":")[0]]
        if not depth and {path[0], *before[:1]} & sections:
            lines.append("")
        comment = comments.get(".".join(path))
        lines.append(f"{line}  # {comment}" if comment else line)
    return HEADER + "\n".join(lines) + "\n"


def _comment(part: Mapping) -> str:
    """The first part of a description, with the values of an enumeration."""
    first = re.split(r"[;:] | \(", part["description"])[0].replace("`", "")
    values = [str(value) for value in part.get("enum", []) if value is not None]
    return f"{first}: {', '.join(values)}" if values else first


def sections() -> list[str]:
    """Return the names of the configuration's sections."""
    return list(dict.fromkeys(key[0] for key, _ in keys_of(schema()) if len(key) > 1))


def key_table(section: str) -> str:
    """Return the table of a section's keys in config/README.md, as Markdown; "" means the keys outside sections."""
    lines = ["| key | meaning | default | accepted |", "| --- | --- | --- | --- |"]
    for key, part in keys_of(schema()):
        if (key[0] if len(key) > 1 else "") == section:
            default = yaml.safe_dump(part["default"], default_flow_style=True, sort_keys=False, width=1000)
            default = default.removesuffix("...\n").strip()
            lines.append(f"| `{'.'.join(key)}` | {part['description']} | `{default}` | {_accepted_in_table(part)} |")
    return "\n".join(lines)


def _accepted_in_table(part: Mapping) -> str:
    if "properties" in part:
        return "keys of " + part["$ref"].removeprefix("#/$defs/")
    return accepted(part)
