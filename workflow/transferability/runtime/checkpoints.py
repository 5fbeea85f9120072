"""Checkpoints: the state of an unfinished training run on disk, from which a killed job resumes."""

import logging
import time
from pathlib import Path
from zipfile import ZipFile

import torch

from transferability.common.atomic_files import atomic_write, named
from transferability.common.errors import InputError, StoppedError, first_line
from transferability.runtime.stopping import Stopping

log = logging.getLogger(__name__)

PREVIOUS = ".previous"  # suffix of the previous checkpoint's file name
LARGEST_SHARE = 0.02  # largest share of the time that is spent on saving checkpoints


def save_checkpoint(path: Path, state: dict) -> None:
    """Write a state atomically; the previous one is kept beside it, in case the new one gets damaged on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        with unfinished.open("wb") as file:  # torch itself would open it in C++, where a full disk raises no OSError
            torch.save(state, file)
        if path.exists():
            path.replace(_previous(path))


def load_checkpoint(path: Path, mark: str) -> dict | None:
    """Return the newest usable state at `path`, or None if there is none.

    A damaged state, or one with another mark, is skipped with a warning; the next state that is saved replaces it.
    Raises OSError or MemoryError if a state cannot be read at the moment: it may still be intact.
    """
    for candidate in (path, _previous(path)):
        try:
            state = _load(candidate)
            if state["mark"] != mark:
                raise InputError("it belongs to another configuration, data set or version of the code")
            return state
        except FileNotFoundError:
            continue
        except (OSError, MemoryError):
            raise
        except Exception as error:  # torch raises many types of exceptions for a damaged file
            log.warning("not resuming from %s: %s", candidate, first_line(error))
    return None


def _load(path: Path) -> dict:
    with named(path), ZipFile(path) as archive:
        if archive.testzip():  # torch does not compare the checksums
            raise InputError("its checksum differs")
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except RuntimeError as error:
        if "alloc" in str(error):  # torch reports a lack of memory as a RuntimeError
            raise MemoryError(f"{path}: {first_line(error)}") from error
        raise


def _previous(path: Path) -> Path:
    return path.with_name(path.name + PREVIOUS)


class Checkpointer:
    """Saves the state every `seconds`, and stops the training when the job has to end.

    If it has to end (`Stopping`), the state is saved and StoppedError is raised. If saving is slow, it is done less
    often, so that it takes at most LARGEST_SHARE of the time. If saving fails, for example on a full disk, a warning is
    logged and the training continues. Before `saved` is called there is no state to save: a signal then raises
    StoppedError at once.
    """

    def __init__(self, path: Path, mark: str, seconds: float, deadline: float = float("inf")):
        self.path, self.mark = path, mark
        self._seconds, self._saved_at, self._took = seconds, time.monotonic(), 0.0
        self._trains, self._stopping = False, Stopping(deadline)
        self._stopping.listen(self._on_signal)

    def on_iteration(self, trainer) -> None:
        """Save the state of a Trainer if it is due; raise StoppedError if the job has to end."""
        if why := self._stopping.why(3 * self._took):
            then = "run again to resume from"
            if not self._save(trainer):
                then = f"its state could not be saved, {then} the last at"
            raise StoppedError(f"{trainer.name}: {why} at iteration {trainer.iteration}; {then} {self.path}")
        if time.monotonic() - self._saved_at >= max(self._seconds, self._took / LARGEST_SHARE):
            self._save(trainer)

    def check(self) -> None:
        """Raise StoppedError if the job, which is still waiting, has to end."""
        if why := self._stopping.why():
            name = f"{self.path.parent.name}/{self.path.name.partition('.')[0]}"
            raise StoppedError(f"{name}: {why}; it had not begun to train")

    def saved(self) -> dict | None:
        """Return the saved state, or None if there is no usable one; from now on signals save the state first."""
        state = load_checkpoint(self.path, self.mark)
        self._trains = True
        return state

    def remove(self) -> None:
        """Remove the state, the previous one and unfinished files, once the network is done."""
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink(missing_ok=True)

    def _save(self, trainer) -> bool:
        began = time.monotonic()
        try:
            save_checkpoint(self.path, trainer.state() | {"mark": self.mark})
        except (OSError, InputError) as error:
            log.warning("%s: cannot save the state at %s: %s; training continues", trainer.name, self.path, error)
            return False
        finally:
            self._saved_at = time.monotonic()
            self._took = self._saved_at - began
        return True

    def _on_signal(self) -> None:
        if not self._trains:
            self.check()
