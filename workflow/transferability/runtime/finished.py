"""Finished networks that are not in place in the study: whatever starts a job again, it finds what it would train.

Below results/state/finished/SPLIT/NETWORK/ there is a directory for each mark. A job leaves there what it has trained,
and puts a copy in place. Once the study has taken that (`settle`), it is the only one: a file that is then gone was
deleted by a person, and its network is trained again. What is in place when a job is due goes back first (`set_aside`),
as Snakemake deletes what a job is to make.
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
    """The files that training a network leaves. `weights` is None for networks that nothing is copied from."""

    accuracy: Path
    provenance: Path
    weights: Path | None = None

    def by_kind(self) -> dict[str, Path]:
        """All of them; the accuracy file is last, so that where it is all are."""
        files = {"weights": self.weights, "provenance": self.provenance, "accuracy": self.accuracy}
        return {kind: path for kind, path in files.items() if path}

    def mark(self) -> str | None:
        """The mark that accuracy file and weights say that they have; None if one is gone, or they do not agree.

        Raises InputError for a damaged file. Of the tensors in the weights nothing is read.
        """
        try:
            marks = {read_record(self.accuracy)["fingerprint"]}
            marks |= {weights_says(self.weights).mark} if self.weights else set()
        except FileNotFoundError:
            return None
        return marks.pop() if len(marks) == 1 else None

    def are_there(self) -> bool:
        """Whether one of them is there that says anything of the network."""
        return any(path.exists() for path in (self.accuracy, self.weights) if path)


def products_of(results: Results, network: Network) -> Products:
    """Return the files that the training of a network leaves in its study."""
    of = (network.split, network.name)
    weights = results.weights(*of) if network.treatment == "base" else None
    return Products(results.accuracy(*of), results.provenance(*of), weights)


class Finished:
    """What is kept of one network, apart from what is in place."""

    def __init__(self, state_root: Path, split: str, network: str):
        self._folder = state_root / "finished" / split / network

    def of(self, mark: str, products: Products) -> Products:
        """Return where the products that were made under a mark are kept."""
        folder = self._folder / mark[:16]
        return Products(**{kind: folder / kind for kind in products.by_kind()})

    def set_aside(self, products: Products) -> None:
        """Keep what is in place, if it is whole."""
        with suppress(InputError):  # what is damaged is made again
            if mark := products.mark():
                _copy_all(products.by_kind(), self.of(mark, products).by_kind())

    def has(self, mark: str, products: Products) -> bool:
        """Whether all that counts is kept under a mark; raises InputError if it is damaged."""
        kept = self.of(mark, products)
        if kept.mark() != mark:
            return False
        if kept.weights:
            read_weights(kept.weights)
        return True

    def put_in_place(self, mark: str, products: Products) -> None:
        """Put what is kept under a mark in place in the study; OSError if that fails.

        A provenance file that is lost says so from then on: it is no reason to train.
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
        """The study has taken what is in place: from now on that is the only one."""
        with suppress(InputError):
            if self._folder.is_dir() and (mark := products.mark()):
                self.drop(mark)

    def drop(self, mark: str) -> None:
        """Forget what is kept under one mark."""
        shutil.rmtree(self._folder / mark[:16], ignore_errors=True)


def _copy_all(files: Mapping[str, Path], places: Mapping[str, Path]) -> None:
    for kind, place in places.items():
        if kind != "provenance" or files[kind].exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(place) as copy:
                shutil.copyfile(files[kind], copy)
