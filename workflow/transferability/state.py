"""The state of an unfinished training on disk, so that a killed job goes on where it was."""

import logging
import os
import signal
import time
from pathlib import Path

import torch

from transferability.errors import StoppedError, first_line
from transferability.files import UNFINISHED, written_whole

log = logging.getLogger(__name__)

SET_ASIDE = ".set-aside"  # what is added to the name of a state that is not usable
LARGEST_SHARE = 0.02  # of the time may go into saving states


def save_state(path: Path, state: dict) -> None:
    """Write a state so that `path` is at every moment either the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def load_state(path: Path, fingerprint: str) -> dict | None:
    """Return the state at `path`, or None if there is none.

    One that is damaged, or whose fingerprint says that other configuration, code or data left it, is set aside with a
    warning.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["fingerprint"] == fingerprint:
            return state
        reason = "it belongs to another configuration, data set or version of the code"
    except Exception as error:  # torch raises many kinds for a damaged file; each means the same here
        reason = f"it is damaged ({first_line(error)})"
    aside = path.with_name(path.name + SET_ASIDE)
    path.replace(aside)
    log.warning("not resuming from %s: %s; moved to %s, training starts from the beginning", path, reason, aside.name)
    return None


class StateKeeper:
    """Called after every iteration: saves the state every `seconds`; on SIGTERM or SIGINT saves it and stops.

    It stops by raising StoppedError. Where saving is slow it saves less often, so that no more than LARGEST_SHARE of
    the time goes into it.
    """

    def __init__(self, path: Path, fingerprint: str, seconds: float):
        self._path, self._fingerprint, self._seconds = path, fingerprint, seconds
        self._wait, self._saved_at = seconds, time.monotonic()
        self._signal = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._remember)

    def __call__(self, trainer) -> None:
        """Save the state of a Trainer if it is time."""
        if self._signal is not None:
            self._save(trainer)
            raise StoppedError(
                f"{trainer.name}: stopped by {self._signal} at iteration {trainer.iteration}; "
                f"run again to resume from {self._path}"
            )
        if time.monotonic() - self._saved_at >= self._wait:
            self._save(trainer)

    def resume(self, trainer) -> None:
        """Let a Trainer go on from the saved state, if there is a usable one."""
        state = load_state(self._path, self._fingerprint)
        if state is not None:
            trainer.resume(state)
            log.info("%s: resumed at iteration %d of %d", trainer.name, trainer.iteration, trainer.settings.iterations)

    def remove(self) -> None:
        """Remove the state, and what was set aside or left unfinished: the network is done."""
        for suffix in ("", SET_ASIDE, UNFINISHED):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _save(self, trainer) -> None:
        began = time.monotonic()
        save_state(self._path, trainer.state() | {"fingerprint": self._fingerprint})
        self._saved_at = time.monotonic()
        self._wait = max(self._seconds, (self._saved_at - began) / LARGEST_SHARE)

    def _remember(self, number, _frame) -> None:
        self._signal = signal.Signals(number).name
