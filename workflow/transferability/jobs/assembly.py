"""From a recipe and files to a trained network and its accuracy record: everything that determines a result."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError
from transferability.common.seeds import derive_seed
from transferability.jobs.answers import pack_answers
from transferability.jobs.recipe import Recipe, Source, data_digests
from transferability.jobs.weights_files import read_weights, write_weights
from transferability.models.building import build_network, pixel_scale
from transferability.store.square import Square
from transferability.study.blueprint import Blueprint
from transferability.study.training_settings import Settings, read_settings
from transferability.tasks.task import Task, read_task
from transferability.training.evaluation import summarize
from transferability.training.preprocessing import Preparation, mean_image
from transferability.training.trainer import MEAN_IMAGE, Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """The starting point of a network: a mean image and, if layers are copied, trained weights.

    `mean` (`preprocessing.mean_image`) is None for architectures whose pixels are standardised. `weights` is a state
    dict, of which the first `copied` layers are copied. The first `frozen` layers, copied or random, are not trained.
    """

    mean: torch.Tensor | None
    weights: Mapping[str, torch.Tensor] | None = None
    copied: int = 0
    frozen: int = 0

    @classmethod
    def from_scratch(cls, task: Task, frozen: int = 0) -> "Start":
        """Return the start of a network with random weights on a task."""
        return cls(mean_image(task.train), frozen=frozen)

    @classmethod
    def from_base(cls, base: Mapping[str, torch.Tensor], copied: int, frozen: int) -> "Start":
        """Return the start of a network that copies layers; `base` is `Trainer.result` of the base network."""
        return cls(base.get(MEAN_IMAGE), base, copied, frozen)


def new_trainer(
    name: str, blueprint: Blueprint, task: Task, start: Start, settings: Settings, seed: int, device: torch.device
) -> Trainer:
    """Build a network and return its trainer, at iteration 0; `seed` is the study's."""
    seed_of = partial(derive_seed, seed, name)
    network = build_network(
        blueprint,
        settings.input_size,
        task.classes,
        seed_of,
        device,
        start.weights,
        start.copied,
        start.frozen,
        fixed_statistics=settings.batchnorm == "fixed",
    )
    if blueprint.is_builtin:
        preparation = Preparation.less_mean_image(start.mean.to(device), pixel_scale(blueprint), settings)
    else:
        size = task.train.store.shape[1]
        preparation = Preparation.standardised(blueprint, size, settings, device)
    split = name.rpartition("/")[0]  # all networks on a split's task see the same views of its images
    view_seed = partial(derive_seed, seed, split, "view")
    return Trainer(name, network, task, preparation, settings, seed_of, view_seed, device)


class Watch(Protocol):
    """Callbacks of a training run. They do not change it, but may end it by raising an exception."""

    def saved(self) -> dict | None:
        """Return the saved state of an earlier training run that was stopped, or None."""

    def begins(self, trainer: Trainer) -> None:
        """Called when the training run begins or resumes."""

    def on_iteration(self, trainer: Trainer) -> None:
        """Called after every iteration."""

    def on_test(self, trainer: Trainer, train_loss: float) -> None:
        """Called after every test (`Trainer.run`)."""


def train(
    recipe: Recipe, source: Source, mark: str, device: torch.device, means: Path, watch: Watch
) -> tuple[dict, dict[str, torch.Tensor]]:
    """Train a network to the end; return the content of its accuracy file, and the tensors that other networks copy."""
    task = task_of(recipe, source)
    trainer = trainer_on(task, recipe, source, device, means)
    log.info("%s: %d training, %d validation images, on %s", trainer.name, len(task.train), len(task.val), device)
    if (state := watch.saved()) is not None:
        trainer.resume(state)
        log.info("%s: resumed at iteration %d of %d", trainer.name, trainer.iteration, trainer.settings.iterations)
    watch.begins(trainer)
    trainer.run(watch.on_iteration, watch.on_test)
    return accuracy_record(recipe, trainer, task, mark), trainer.result()


def task_of(recipe: Recipe, source: Source) -> Task:
    """Read a network's task; raise InputError for damaged files, or for files that do not fit together."""
    square, examples = Square(**recipe.square), recipe.network["examples_per_class"]
    return read_task(source.store_files, square, source.manifest, examples, recipe.fold)


def trainer_on(task: Task, recipe: Recipe, source: Source, device: torch.device, means: Path | None = None) -> Trainer:
    """Return a network's trainer on a task, at iteration 0.

    Mean images are cached in the directory `means`, if one is given. Raises InputError for damaged weights.
    """
    settings = read_settings(recipe.training, len(task.train))
    blueprint = Blueprint(**recipe.architecture)
    if source.weights:
        base = f"{recipe.network['split']}/base{recipe.network['source']}"
        start = Start.from_base(read_weights(source.weights, base), recipe.copied, recipe.frozen)
    elif blueprint.is_builtin:
        mean = _kept_mean_image(task, recipe, source, means) if means else mean_image(task.train)
        start = Start(mean, frozen=recipe.frozen)
    else:
        start = Start(None, frozen=recipe.frozen)
    return new_trainer(recipe.name, blueprint, task, start, settings, recipe.seed, device)


def _kept_mean_image(task: Task, recipe: Recipe, source: Source, means: Path) -> torch.Tensor:
    """The mean of the training images. It takes minutes on ImageNet, so it is computed once per task and cached."""
    key = fingerprint([recipe.code, data_digests(source), recipe.network["examples_per_class"], recipe.fold])
    path = means / f"{key[:16]}.safetensors"
    try:
        return read_weights(path, key)[MEAN_IMAGE]
    except FileNotFoundError:
        log.info("%s: computing the mean of %d images", recipe.name, len(task.train))
    except InputError as error:
        log.warning("%s; computing it again", error)
    mean = mean_image(task.train)
    try:
        means.mkdir(parents=True, exist_ok=True)
        write_weights(path, {MEAN_IMAGE: mean}, name=key, mark=key)
    except OSError as error:
        log.warning("cannot save the mean image at %s: %s", path, error)
    return mean


def accuracy_record(recipe: Recipe, trainer: Trainer, task: Task, mark: str) -> dict:
    """Return the content of a network's accuracy file, which depends on configuration, data and code only.

    by_class holds for each class how many of its validation images were right in the last test: "41/50". answers holds
    what the network answered to each of them (`answers`).
    """
    predicted, confidence = (part.numpy() for part in trainer.answers)
    counts = (np.bincount(labels, minlength=task.classes) for labels in (_right(predicted, task), task.val.labels))
    record = {
        **recipe.network,
        "classes": task.classes,
        "train_images": len(task.train),
        "val_images": len(task.val),
        **summarize(trainer.curve),
        "by_class": {wnid: f"{right}/{of}" for wnid, right, of in zip(task.wnids, *counts, strict=True)},
        "answers": pack_answers(predicted, confidence, task.classes),
        "fold": recipe.fold,
        "seed": recipe.seed,
        "fingerprint": mark,
    }
    return record | {"checksum": fingerprint(record)}


def _right(predicted: np.ndarray, task: Task) -> np.ndarray:
    """The labels of the validation images that were predicted."""
    return task.val.labels[predicted == task.val.labels]
