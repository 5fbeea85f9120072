"""The list of a study's networks in its results directory, which is readable without the study's configuration."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, some_of
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

LIST = "networks.csv"


def write_networks(study: StudyPlan, requested: Collection[Network]) -> None:
    """Write the list of a study's networks to its results directory; it records which of them were `requested`."""
    study.results.root.mkdir(parents=True, exist_ok=True)
    rows = [
        (one.split, one.name, one.treatment, (one.split, one.name) in study.controls, one in requested)
        for one in study.networks
    ]
    table = pd.DataFrame(rows, columns=["split", "network", "treatment", "control", "requested"])
    write_text(study.results.root / LIST, table.to_csv(index=False))


def read_networks(results: Path) -> pd.DataFrame:
    """Read the list written by `write_networks`; raises InputError if no workflow has run in the results directory."""
    try:
        return pd.read_csv(results / LIST)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = some_of([str(study) for study in studies_near(results)], 10)
        instead = f"give the directory of one: {near}" if near else "give a study's results directory"
        raise InputError(f"{results}: no study has run here; {instead}") from error


def studies_near(place: Path) -> list[Path]:
    """Return the directories of studies up to three levels below a directory; if there are none, those above it."""
    there = next(directory for directory in (place, *place.absolute().parents) if directory.is_dir())
    below = [list_.parent for depth in range(1, 4) for list_ in sorted(there.glob("*/" * depth + LIST))]
    return below or [directory for directory in there.absolute().parents if (directory / LIST).is_file()]
