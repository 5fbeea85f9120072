"""Progress of a job: a small file that `status` reads while the job runs, and a log line after every test."""

import json
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from transferability.common.atomic_files import atomic_write
from transferability.runtime.slurm import slurm_job
from transferability.study.files import Results

if TYPE_CHECKING:
    from transferability.training.trainer import Trainer  # for type hints only: reading progress must not import torch

log = logging.getLogger(__name__)

EVERY = 10.0  # seconds between two writes of the progress file
FIRST = 1.0  # seconds until the first write


class Progress:
    """A context manager that reports what a job does in a file at `path`, from a thread of its own.

    The thread updates the file for as long as the job is alive, even during a long iteration. The file holds doing,
    host, pid, `slurm_job` and written (seconds since the epoch); during training also iteration, iterations,
    images_per_s, seconds_left and device. It is removed at the end, and remains if the process is killed. It need not
    survive a crash of the machine.
    """

    def __init__(self, path: Path):
        self._path, self._doing, self._trainer = path, "starts", None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_on, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, *_error) -> None:
        self._ended.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def says(self, doing: str) -> None:
        """Set the description of what the job does now."""
        self._doing = doing

    def follow(self, trainer: "Trainer", device: str) -> None:
        """Report the progress of a Trainer from now on; `device` is the name of its device."""
        self._start, self._tested = trainer.iteration, trainer.iteration
        self._began = time.perf_counter()
        self._doing, self._trainer, self._device = "trains", trainer, device

    def on_test(self, trainer: "Trainer", train_loss: float) -> None:
        """Log a line after a test; `train_loss` is the sum of the losses of the iterations since the last."""
        test, settings = trainer.curve[-1], trainer.settings
        per_s, seconds_left = self._speed(trainer)
        log.info(
            f"{trainer.name}: iteration {test.iteration}/{settings.iterations}  "
            f"train loss {train_loss / (test.iteration - self._tested):.4f}  loss {test.loss:.4f}  "
            f"top-1 {test.top1:.4f}  {per_s:,.0f} images/s  {timedelta(seconds=round(seconds_left))} left"
        )
        self._tested = test.iteration

    def _write_on(self) -> None:
        wait = FIRST
        while not self._ended.wait(wait):
            wait = EVERY
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(self._path, sync=False) as unfinished:
                    unfinished.write_text(json.dumps(self._content()) + "\n", encoding="utf-8")
            except OSError as error:  # a full disk must not end the training run
                log.warning("cannot write %s: %s", self._path, error)

    def _content(self) -> dict:
        content = {"doing": self._doing, "host": socket.gethostname(), "pid": os.getpid(), "written": time.time()}
        if trainer := self._trainer:
            per_s, seconds_left = self._speed(trainer)
            content |= {"iteration": trainer.iteration, "iterations": trainer.settings.iterations}
            content |= {"images_per_s": round(per_s, 1), "seconds_left": round(seconds_left)}
            content |= {"device": self._device}
        return content | slurm_job()

    def _speed(self, trainer: "Trainer") -> tuple[float, float]:
        """Images per second since the start, and the seconds left at this speed."""
        iterations = max(trainer.iteration - self._start, 1)
        per_iteration = (time.perf_counter() - self._began) / iterations
        left = (trainer.settings.iterations - trainer.iteration) * per_iteration
        return trainer.settings.batch_size / max(per_iteration, 1e-9), left


def read_progress(results: Results, split: str, network: str) -> dict | None:
    """Return the content of a network's progress file (`Progress`), or None if there is no readable one."""
    try:
        return dict(json.loads(results.progress(split, network).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
