"""The file with the learning rate that was found for a family of networks, and how each rate did."""

import json
from dataclasses import dataclass
from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError

PARTS = 5  # of the training images; one of them decides


@dataclass(frozen=True)
class Trial:
    """A rate that was tried: accuracy (0 to 1) and loss on the images that decide; None if the training diverged."""

    rate: float
    top1: float | None
    loss: float | None


def write_rates(path: Path, network: str, chosen: float, trials: list[Trial]) -> None:
    """Write the result of a search: the network that it was made with, the chosen rate, and all trials."""
    record = {"network": network, "chosen": chosen, "trials": [vars(trial) for trial in trials]}
    write_text(path, json.dumps(record | {"checksum": fingerprint(record)}, indent=1) + "\n")


def read_rates(path: Path) -> dict:
    """Read what `write_rates` wrote; raise InputError if it is damaged, OSError if it cannot be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        digest = record.pop("checksum")
        damaged = fingerprint(record) != digest
    except (ValueError, KeyError, TypeError, AttributeError):
        damaged = True
    if damaged:
        raise InputError(f"{path} is damaged; delete it and run again")
    return record


def chosen_rate(path: Path) -> float:
    """Return the rate that a search chose; raise InputError if its file is damaged, OSError if it cannot be read."""
    return read_rates(path)["chosen"]
