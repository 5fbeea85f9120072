"""How far a training is: a line in its log after every test, and a small file that `status` reads meanwhile."""

import json
import logging
import os
import socket
import time
from pathlib import Path

import torch

from transferability.files import written_whole
from transferability.training import Trainer

log = logging.getLogger(__name__)

EVERY = 10.0  # seconds between two writings of the progress file
FIRST = 1.0  # seconds until the first


class Progress:
    """Follows a Trainer: `test` after every test, `iteration` after every iteration.

    The file at `path` tells iteration, iterations, images_per_s, seconds_left, host, device, pid and when it was
    written (seconds since the epoch). It goes when the training ends, and stays when its process is killed.
    """

    def __init__(self, trainer: Trainer, path: Path):
        self._path, self._start, self._tested = path, trainer.iteration, trainer.iteration
        self._began = time.perf_counter()
        self._written = time.monotonic() - EVERY + FIRST

    def test(self, trainer: Trainer, train_loss: float) -> None:
        """Log a line; `train_loss` is the sum of the losses of the iterations since the last."""
        test, settings = trainer.curve[-1], trainer.settings
        per_s, seconds_left = self._speed(trainer)
        minutes, seconds = divmod(round(seconds_left), 60)
        log.info(
            "%s: iteration %d/%d  train loss %.4f  loss %.4f  top-1 %.4f  %s images/s  %d:%02d left",
            *(trainer.name, test.iteration, settings.iterations, train_loss / (test.iteration - self._tested)),
            *(test.loss, test.top1, f"{per_s:,.0f}", minutes, seconds),
        )
        self._tested = test.iteration

    def iteration(self, trainer: Trainer) -> None:
        """Write the progress file if it is time."""
        if time.monotonic() - self._written < EVERY:
            return
        per_s, seconds_left = self._speed(trainer)
        content = {"iteration": trainer.iteration, "iterations": trainer.settings.iterations}
        content |= {"images_per_s": round(per_s, 1), "seconds_left": round(seconds_left)}
        content |= {"host": socket.gethostname(), "device": device_name(trainer.device), "pid": os.getpid()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with written_whole(self._path) as unfinished:
                unfinished.write_text(json.dumps(content | {"written": time.time()}) + "\n")
        except OSError as error:  # a full disk must not end a training
            log.warning("cannot write %s: %s", self._path, error)
        self._written = time.monotonic()

    def end(self) -> None:
        """Remove the file: the training goes on no more."""
        self._path.unlink(missing_ok=True)

    def _speed(self, trainer: Trainer) -> tuple[float, float]:
        """Images per second since the start, and the seconds that are left at this speed."""
        iterations = max(trainer.iteration - self._start, 1)
        per_iteration = (time.perf_counter() - self._began) / iterations
        left = (trainer.settings.iterations - trainer.iteration) * per_iteration
        return trainer.settings.batch_size / max(per_iteration, 1e-9), left


def device_name(device: torch.device) -> str:
    """The device in words: a GPU's name, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
