"""The progress line of a training."""

import logging
import time

from transferability.training import Trainer

log = logging.getLogger(__name__)


class ProgressLog:
    """Called after every test of a Trainer: logs iteration, losses, accuracy, speed and the time left."""

    def __init__(self, trainer: Trainer):
        self._start = self._tested = trainer.iteration
        self._began = time.perf_counter()

    def __call__(self, trainer: Trainer, train_loss: float) -> None:
        """Log a line; `train_loss` is the sum of the losses of the iterations since the last."""
        test, settings = trainer.curve[-1], trainer.settings
        per_s = (test.iteration - self._start) / (time.perf_counter() - self._began)
        minutes, seconds = divmod(round((settings.iterations - test.iteration) / per_s), 60)
        log.info(
            "%s: iteration %d/%d  train loss %.4f  loss %.4f  top-1 %.4f  %s images/s  %d:%02d left",
            *(trainer.name, test.iteration, settings.iterations, train_loss / (test.iteration - self._tested)),
            *(test.loss, test.top1, f"{per_s * settings.batch_size:,.0f}", minutes, seconds),
        )
        self._tested = test.iteration
