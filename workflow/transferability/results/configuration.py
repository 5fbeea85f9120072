"""The configuration of a study as a result: a file for running the study again, and a page to read."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml

from transferability.common.pages import Section, write_pages

TEXT = (
    "Defaults, configuration files and the command line merged. configuration.yaml holds the same values for use as a "
    "--configfile."
)


def as_yaml(config: Mapping) -> str:
    """Return a configuration as YAML, with the order of its keys kept."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def configuration_page(config: Mapping, path: Path) -> None:
    """Write a table of all keys and values as an HTML page."""
    rows = [
        (key, yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n")[0]) for key, value in _flat(config)
    ]
    table = pd.DataFrame(rows, columns=["key", "value"])
    write_pages(table, [Section("Configuration", TEXT, table)], [path])


def _flat(config: Mapping, above: str = "") -> list[tuple[str, object]]:
    """Keys with the names of their sections before them, as in `network.n`; an empty section is a value."""
    pairs = []
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{above}{key}.")
        else:
            pairs.append((f"{above}{key}", value))
    return pairs
