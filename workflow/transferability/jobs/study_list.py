"""The list of a study's networks in its results directory: by it a study is known without its configuration."""

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, some_of
from transferability.study.network import Network

LIST = "networks.csv"


def write_networks(
    results: Path, networks: Iterable[Network], requested: Collection[Network], controls: Collection[tuple[str, str]]
) -> None:
    """Leave the list of a study's networks in its results directory: which were asked for, and which are `controls`."""
    results.mkdir(parents=True, exist_ok=True)
    rows = [
        (one.split, one.name, one.treatment, (one.split, one.name) in controls, one in requested) for one in networks
    ]
    table = pd.DataFrame(rows, columns=["split", "network", "treatment", "control", "requested"])
    write_text(results / LIST, table.to_csv(index=False))


def read_networks(results: Path) -> pd.DataFrame:
    """Read the list that `write_networks` left; InputError if no workflow has run in the results directory."""
    try:
        return pd.read_csv(results / LIST)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = some_of([str(study) for study in studies_near(results)], 10)
        instead = f"give the directory of one: {near}" if near else "give a study's results directory"
        raise InputError(f"{results}: no study has run here; {instead}") from error


def studies_near(place: Path) -> list[Path]:
    """Return the directories of studies up to three levels below a directory, or else above it."""
    there = next(directory for directory in (place, *place.absolute().parents) if directory.is_dir())
    below = [list_.parent for depth in range(1, 4) for list_ in sorted(there.glob("*/" * depth + LIST))]
    return below or [directory for directory in there.absolute().parents if (directory / LIST).is_file()]
