"""The search for a family's learning rate: each rate is tried on four fifths of the training images of one repeat.

The other fifth decides. Validation images are never looked at, so results on them stay unbiased.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import torch

from transferability.common.errors import InputError, TrainingError
from transferability.common.tables import read_groups
from transferability.datasets.holding_out import into_folds
from transferability.jobs.assembly import task_of, trainer_on
from transferability.jobs.rates_file import Trial
from transferability.jobs.recipe import Recipe, Source
from transferability.tasks.task import Examples, Task

log = logging.getLogger(__name__)

PARTS = 5  # of the training images; one of them decides


def try_rates(recipes: Mapping[float, Recipe], source: Source, device: torch.device) -> list[Trial]:
    """Train a network once per rate, with the recipe of each rate, and return the trials in this order."""
    task = without_validation(task_of(next(iter(recipes.values())), source), source)
    trials = []
    for rate, recipe in recipes.items():
        trainer = trainer_on(task, recipe, source, device)
        try:
            trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
            last = trainer.curve[-1]
            trials.append(Trial(rate, last.top1, last.loss))
            log.info("%s, rate %g: %.1f %%, loss %.3f", recipe.name, rate, 100 * last.top1, last.loss)
        except TrainingError as error:
            log.info("rate %g: %s", rate, error)
            trials.append(Trial(rate, None, None))
    return trials


def without_validation(task: Task, source: Source) -> Task:
    """Return the task whose validation images are a fifth of a task's training images, and the others train.

    Images that belong together stay together, as for folds.
    """
    rows, groups = task.train.rows, read_groups(source.index)
    table = pd.DataFrame({"path": groups["path"].to_numpy()[rows], "wnid": task.train.labels, "subset": ""})
    together = pd.Series(pd.factorize(groups["group"].to_numpy()[rows])[0])
    faults: list[str] = []
    decides = (into_folds(table, together, PARTS, faults)["subset"] == "fold-0").to_numpy()
    if faults:
        raise InputError(
            f"config key training.learning_rate: a list given, but a class has too few training images to set a fifth "
            f"aside ({faults[0]}); give one rate"
        )
    parts = (Examples(task.train.store, rows[chosen], task.train.labels[chosen]) for chosen in (~decides, decides))
    return replace(task, **dict(zip(("train", "val"), parts, strict=True)))
