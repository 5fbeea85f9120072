"""The search for a family's learning rate: each rate is tried on four fifths of the training images of one repeat.

The other fifth decides. The validation images of this repeat are not looked at. In a set of folds, those of the other
repeats are among its training images: their results know a little of the choice between the rates.
"""

import gc
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd
import torch

from transferability.common.errors import InputError, TrainingError
from transferability.common.subsets import FOLD
from transferability.common.tables import read_groups
from transferability.datasets.holding_out import into_folds
from transferability.jobs.assembly import task_of, trainer_on
from transferability.jobs.rates_file import PARTS, Trial
from transferability.jobs.recipe import Recipe, Source
from transferability.tasks.task import Examples, Task

log = logging.getLogger(__name__)


def try_rates(recipes: Mapping[float, Recipe], source: Source, device: torch.device) -> list[Trial]:
    """Train a network once per rate, with the recipe of each rate, and return the trials in this order."""
    task = without_validation(task_of(next(iter(recipes.values())), source), source)
    return [_try(recipe, rate, task, source, device) for rate, recipe in recipes.items()]


def _try(recipe: Recipe, rate: float, task: Task, source: Source, device: torch.device) -> Trial:
    gc.collect()  # the images and features of the trial before
    trainer = trainer_on(task, recipe, source, device)
    try:
        trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
    except TrainingError as error:
        log.info("rate %g: %s", rate, error)
        return Trial(rate, None, None)
    last = trainer.curve[-1]
    log.info("%s, rate %g: %.1f %%, loss %.3f", recipe.name, rate, 100 * last.top1, last.loss)
    return Trial(rate, last.top1, last.loss)


def without_validation(task: Task, source: Source) -> Task:
    """Return the task whose validation images are a fifth of a task's training images, and the others train.

    If a class has fewer than five images or groups, it is a larger part. Images that belong together stay together, as
    for folds. Raises InputError if a class has only one image or group.
    """
    rows, groups = task.train.rows, read_groups(source.index)
    table = pd.DataFrame({"path": groups["path"].to_numpy()[rows], "wnid": task.train.labels, "subset": ""})
    together = pd.Series(pd.factorize(groups["group"].to_numpy()[rows])[0])
    for parts in range(PARTS, 1, -1):
        faults: list[str] = []
        decides = (into_folds(table, together, parts, faults)["subset"] == f"{FOLD}0").to_numpy()
        if not faults:
            halves = [
                Examples(task.train.store, rows[chosen], task.train.labels[chosen]) for chosen in (~decides, decides)
            ]
            return replace(task, train=halves[0], val=halves[1])
    raise InputError(
        "config key training.learning_rate: a list given, but a class has only one training image (or group) in the "
        "first repeat: none can be set aside to choose a rate; give one rate, or more images"
    )


def best_of(trials: Iterable[Trial]) -> float:
    """Return the rate with the highest accuracy; among equal ones that with the smallest loss.

    Raises InputError if all diverged.
    """
    trials = list(trials)
    trained = [trial for trial in trials if trial.top1 is not None]
    if not trained:
        rates = [trial.rate for trial in trials]
        raise InputError(f"config key training.learning_rate: training diverges with each of {rates}; add smaller ones")
    return max(trained, key=lambda trial: (trial.top1, -trial.loss)).rate
