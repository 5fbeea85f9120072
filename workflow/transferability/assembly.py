"""From a recipe and files to a trainer, and from what it trained to an accuracy record: all that decides a result."""

import logging
from pathlib import Path

import numpy as np
import torch

from transferability.data import mean_image, select_examples
from transferability.errors import InputError
from transferability.fingerprint import fingerprint
from transferability.marks import Recipe, Source, data_digests
from transferability.settings import read_settings
from transferability.store import open_store
from transferability.tables import read_index, read_manifest
from transferability.training import MEAN_IMAGE, Start, Task, Trainer, summarize
from transferability.weights import read_weights, write_weights

log = logging.getLogger(__name__)


def build_trainer(recipe: Recipe, source: Source, device: torch.device, means: Path) -> tuple[Task, Trainer]:
    """Read a network's task, and return it with the network's trainer, at iteration 0.

    Mean images are kept in the directory `means`. Raises InputError for damaged files, or if they do not fit together.
    """
    task = read_task(source, recipe.network["examples_per_class"])
    settings = read_settings(recipe.training, len(task.train))
    if source.weights:
        start = Start.from_base(read_weights(source.weights), recipe.copied, recipe.frozen)
    else:
        start = Start(_kept_mean_image(task, recipe, source, means), frozen=recipe.frozen)
    return task, Trainer(recipe.name, recipe.architecture, task, start, settings, recipe.seed, device)


def read_task(source: Source, examples: int = 0) -> Task:
    """Read a task from index, store and manifest, or of its training images the first `examples` of each class.

    Raises InputError if the files do not fit together.
    """
    index = read_index(source.index)
    manifest = read_manifest(source.manifest)
    store = open_store(source.store_files)
    train = select_examples(store, index, manifest, "train", examples)
    val = select_examples(store, index, manifest, "val")
    for subset, images in (("train", train), ("val", val)):
        missing = sorted(set(manifest["label"]) - set(np.unique(images.labels)))
        if missing:
            wnids = ", ".join(manifest.set_index("label").loc[missing, "wnid"])
            raise InputError(
                f"{source.manifest}: {source.index} lists no {subset} images of {wnids}; delete both and run again"
            )
    return Task(train, val, len(manifest), manifest["wnid"].tolist())


def _kept_mean_image(task: Task, recipe: Recipe, source: Source, means: Path) -> torch.Tensor:
    """The mean of the training images, which takes minutes on ImageNet: computed once per task, and kept."""
    key = fingerprint([recipe.code, data_digests(source), recipe.network["examples_per_class"]])
    path = means / f"{key[:16]}.safetensors"
    try:
        return read_weights(path)[MEAN_IMAGE]
    except FileNotFoundError:
        log.info("%s: computing the mean of %d images", recipe.name, len(task.train))
    except InputError as error:
        log.warning("%s; computing it again", error)
    mean = mean_image(task.train)
    try:
        means.mkdir(parents=True, exist_ok=True)
        write_weights(path, {MEAN_IMAGE: mean}, key)
    except OSError as error:
        log.warning("cannot keep the mean image at %s: %s", path, error)
    return mean


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
