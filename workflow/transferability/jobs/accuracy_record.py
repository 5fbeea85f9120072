"""A network's accuracy file: what it holds, and how it is read."""

import json
from pathlib import Path

import numpy as np

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError
from transferability.jobs.recipe import Recipe
from transferability.tasks.task import Task
from transferability.training.evaluation import summarize
from transferability.training.trainer import Trainer


def accuracy_record(recipe: Recipe, trainer: Trainer, task: Task, mark: str) -> dict:
    """Return what a network's accuracy file holds: a function of configuration, data and code alone.

    by_class tells of each class how many of its validation images the last test had right: "41/50".
    """
    images = np.bincount(task.val.labels, minlength=task.classes)
    record = {
        **recipe.network,
        "classes": task.classes,
        "train_images": len(task.train),
        "val_images": len(task.val),
        **summarize(trainer.curve),
        "by_class": {
            wnid: f"{right}/{of}" for wnid, right, of in zip(task.wnids, trainer.correct, images, strict=True)
        },
        "seed": recipe.seed,
        "fingerprint": mark,
    }
    return record | {"checksum": fingerprint(record)}


def read_record(file: Path) -> dict:
    """Read an accuracy file; raise InputError if it is damaged."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        digest = record.pop("checksum")
        damage = "" if fingerprint(record) == digest else "its checksum differs"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{file} is damaged ({damage}); delete it and run again to train this network anew")
    return record
