"""Finished networks, kept by their marks: whatever makes a job start again, it finds what it would train.

Each network has a directory below results/state/finished, with one for each mark that it was finished with. What is
there are hard links to the files of the study, so that they take no room of their own; where a file system has no
links, copies. Without them networks are trained again where snakemake asks for them.
"""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from transferability.common.atomic_files import UNFINISHED, written_whole

# Files that are there from when a job has put the study's files in place until the next one is due, and from when a
# person asks for training until it is done.
IN_PLACE, ASKED = "in-place", "asked"
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

    @property
    def in_place(self) -> bool:
        """Whether the study's files were in place, and no job was due since: if one is gone, a person deleted it.

        Where a job is due Snakemake deletes them, before it starts and after it failed.
        """
        return (self._folder / IN_PLACE).exists()

    @in_place.setter
    def in_place(self, now: bool) -> None:
        """Note that they are, or that a job is due; nothing where nothing is kept."""
        if not now:
            (self._folder / IN_PLACE).unlink(missing_ok=True)
        elif self._folder.is_dir():
            (self._folder / IN_PLACE).touch()

    @property
    def asked(self) -> bool:
        """Whether a person asks for the network to be trained again."""
        return (self._folder / ASKED).exists()

    def ask(self) -> None:
        """Let the next job train the network even if it is finished."""
        if self._folder.is_dir():
            (self._folder / ASKED).touch()

    def answer(self) -> None:
        """Note that the network was trained as a person asked."""
        (self._folder / ASKED).unlink(missing_ok=True)


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
