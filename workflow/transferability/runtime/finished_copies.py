"""Copies of finished networks, from which a job that is started again restores its products instead of training.

results/state/finished/SPLIT/NETWORK/ has a directory for each mark. A job saves the trained network there, and copies
it to the study's results. Once Snakemake has accepted these outputs, the copy under state/ is deleted (`settle`). If a
product is missing afterwards, the user has deleted it, and its network is trained again. Before a job runs, existing
products are copied back under state/ (`set_aside`), because Snakemake deletes the outputs of a job before it starts.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from transferability.common.atomic_files import atomic_write, write_text
from transferability.common.errors import InputError
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.provenance import as_text, not_known, read_provenance
from transferability.jobs.weights_files import read_weights, weights_says
from transferability.study.files import Results
from transferability.study.network import Network


@dataclass(frozen=True)
class Products:
    """The output files of training a network. `weights` is None for networks that no other network copies."""

    accuracy: Path
    provenance: Path
    weights: Path | None = None

    def by_kind(self) -> dict[str, Path]:
        """All files by kind. The accuracy file is last: if it exists, the others do too."""
        files = {"weights": self.weights, "provenance": self.provenance, "accuracy": self.accuracy}
        return {kind: path for kind, path in files.items() if path}

    def mark(self) -> str | None:
        """The mark in the accuracy file and the weights file; None if one is missing or they differ.

        Raises InputError for a damaged file. The tensors in the weights file are not read.
        """
        try:
            marks = {read_record(self.accuracy)["fingerprint"]}
            marks |= {weights_says(self.weights).mark} if self.weights else set()
        except FileNotFoundError:
            return None
        return marks.pop() if len(marks) == 1 else None

    def are_there(self) -> bool:
        """Whether the accuracy file or the weights file exists."""
        return any(path.exists() for path in (self.accuracy, self.weights) if path)


def products_of(results: Results, network: Network) -> Products:
    """Return the files that training a network writes to the results of its study."""
    of = (network.split, network.name)
    weights = results.weights(*of) if network.treatment == "base" else None
    return Products(results.accuracy(*of), results.provenance(*of), weights)


class Finished:
    """The copies of one finished network, apart from its products in the study's results."""

    def __init__(self, state_root: Path, split: str, network: str):
        self._folder = state_root / "finished" / split / network

    def of(self, mark: str, products: Products) -> Products:
        """Return the paths of the copies with a mark."""
        folder = self._folder / mark[:16]
        return Products(**{kind: folder / kind for kind in products.by_kind()})

    def set_aside(self, products: Products) -> None:
        """Copy the products from the study's results, if they are complete and intact."""
        with suppress(InputError):  # damaged files are made again
            if mark := products.mark():
                _copy_all(products.by_kind(), self.of(mark, products).by_kind())

    def has(self, mark: str, products: Products) -> bool:
        """Whether there is a complete copy with a mark, apart from provenance; raises InputError if it is damaged."""
        kept = self.of(mark, products)
        if kept.mark() != mark:
            return False
        if kept.weights:
            read_weights(kept.weights)
        return True

    def put_in_place(self, mark: str, products: Products) -> None:
        """Copy the files with a mark to the study's results; raises OSError if that fails.

        A lost provenance file is replaced by one without values: it is no reason to train again.
        """
        kept = self.of(mark, products)
        try:
            known = read_provenance(kept.provenance)["fingerprint"] == mark
        except (OSError, InputError):
            known = False
        if not known:
            write_text(kept.provenance, as_text(not_known(mark)))
        _copy_all(kept.by_kind(), products.by_kind())

    def settle(self, products: Products) -> None:
        """Delete the copy with the same mark as the products in the study's results: it is no longer needed."""
        with suppress(InputError):
            if self._folder.is_dir() and (mark := products.mark()):
                self.drop(mark)

    def drop(self, mark: str) -> None:
        """Delete the copy with a mark."""
        shutil.rmtree(self._folder / mark[:16], ignore_errors=True)


def _copy_all(files: Mapping[str, Path], places: Mapping[str, Path]) -> None:
    for kind, place in places.items():
        if kind != "provenance" or files[kind].exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(place) as copy:
                shutil.copyfile(files[kind], copy)
