"""Finished networks, kept by their marks: whatever makes a job start again, it finds what it would train.

Each network has a directory below results/state/finished, with one for each mark that it was finished with. What is
there are hard links to the files of the study, so that they take no room of their own; where a file system has no
links, copies. All of it may be deleted at any time: then networks are trained again where snakemake wants them made.
"""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from transferability.files import UNFINISHED, written_whole

CALLED = "called"  # a file that is there while a job of the network is due that nobody asked to train again
NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES}


class Finished:
    """What was finished of one network."""

    def __init__(self, state_root: Path, split: str, network: str):
        self._folder = state_root / "finished" / split / network

    def place(self, mark: str, kind: str) -> Path:
        """Return where a product that was made under a mark is kept; `kind` says what it is: accuracy, weights, ..."""
        return self._folder / mark[:16] / kind

    def put_back(self, mark: str, products: Mapping[str, Path]) -> None:
        """Put what is kept under a mark in place in the study (kind -> file), in this order; OSError if that fails."""
        for kind, product in products.items():
            product.parent.mkdir(parents=True, exist_ok=True)
            kept = self.place(mark, kind)
            with suppress(OSError):  # another user's
                os.utime(kept)  # younger than what it is made from, for Snakemake
            _link(kept, product)

    def drop(self, mark: str) -> None:
        """Forget what was finished under one mark."""
        shutil.rmtree(self._folder / mark[:16], ignore_errors=True)

    def forget(self) -> None:
        """Forget all that was finished, since a person wants the network trained again."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def called(self) -> bool:
        """Whether the study's files may be gone because a job is due: Snakemake deletes them before it starts one.

        Where they are gone and no job was due, a person has deleted them.
        """
        return (self._folder / CALLED).exists()

    def call(self) -> None:
        """Note that a job of the network is due, if anything of it is kept that this could cost."""
        if self._folder.is_dir():
            (self._folder / CALLED).touch()

    def answer(self) -> None:
        """Note that a job has put the study's files in place."""
        (self._folder / CALLED).unlink(missing_ok=True)


def _link(kept: Path, product: Path) -> None:
    unfinished = product.with_name(product.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    try:
        os.link(kept, unfinished)
        unfinished.replace(product)
        unfinished.unlink(missing_ok=True)  # it is left where the product was this very file already
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with written_whole(product) as copy:
            shutil.copyfile(kept, copy)
