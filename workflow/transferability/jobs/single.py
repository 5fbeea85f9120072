"""Training one network without Snakemake, on arrays of images, from scratch or with layers of another network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from transferability.common.errors import InputError, first_line, remedy
from transferability.jobs.assembly import Start, new_trainer
from transferability.jobs.weights_files import read_weights
from transferability.study.configuration import complete_config
from transferability.study.rates import is_searched
from transferability.study.study_plan import StudyPlan
from transferability.tasks.task import Examples, Task
from transferability.training.preprocessing import mean_image
from transferability.training.trainer import MEAN_IMAGE

Images = tuple[np.ndarray, np.ndarray]  # uint8 (count, size, size, 3), RGB; and labels, integers from 0


@dataclass(frozen=True)
class Trained:
    """A trained network: top-1 accuracy (0 to 1) and loss of its last test, the curve of all tests, and its weights.

    `curve` has columns iteration, top1, loss; `weights` are tensors by name, for `transfer`.
    """

    top1: float
    loss: float
    curve: pd.DataFrame
    weights: Mapping[str, torch.Tensor]


def train_network(train: Images, val: Images, *, name: str = "base", **how) -> Trained:
    """Train a network from scratch, as a study trains its base networks; other arguments as in `transfer`."""
    return transfer({}, 0, train, val, name=name, **how)


def transfer(
    base: Trained | Mapping[str, torch.Tensor] | str | Path,
    n: int,
    train: Images,
    val: Images,
    *,
    frozen: bool = True,
    architecture: str = "caffenet-mini",
    pixels: Mapping | None = None,
    seed: int = 0,
    name: str = "transfer",
    device: str = "cpu",
    **training,
) -> Trained:
    """Train a network whose first `n` layers are copied from `base`, and test it on `val`.

    The copied layers are `frozen`, or trained too (frozen=False). `base` is the result of `train_network`, a file below
    a study's results/weights, or a state dict of the same architecture. `train` and `val` are pairs of images and
    labels (`Images`). `pixels` and `training` override keys of the configuration's sections network.pixels and
    training: pixels={"order": "bgr"}, length="5 epochs", learning_rate=0.01. Random numbers are determined by `seed`
    and `name`, as in a study. Afterwards torch computes deterministically in this process.

    Raises InputError for arguments or arrays that do not fit, TrainingError if the loss diverges.
    """
    task, weights = _task(train, val), _weights(base)
    size = task.train.store.shape[1]
    network = {"architecture": architecture, "n": [n or 1], "pixels": dict(pixels or {})}
    config = {"network": network, "experiments": [], "seed": seed}
    config |= {"dataset": {"image_size": size}, "training": training}
    complete_config(config, [], elsewhere="arguments")
    if is_searched(config["training"]):
        raise InputError(f"learning_rate: {config['training']['learning_rate']} given; accepted here: one rate")
    study = StudyPlan(config)
    model = study.main.blueprint
    mean = weights.get(MEAN_IMAGE)
    if mean is None and model.is_builtin:
        mean = mean_image(task.train)
    if mean is not None and len(mean) != size:
        raise InputError(f"images of {size} pixels given, the base network was trained on images of {len(mean)}")
    start = Start(mean, weights, copied=n, frozen=n if frozen else 0)
    settings = study.settings(len(task.train))
    try:
        trainer = new_trainer(name, model, task, start, settings, seed, torch.device(device))
    except (KeyError, ValueError) as error:
        raise InputError(f"the weights given are not those of {architecture}: {first_line(error)}") from error
    trainer.run(lambda trainer: None, lambda trainer, train_loss: None)
    last = trainer.curve[-1]
    return Trained(last.top1, last.loss, pd.DataFrame(map(asdict, trainer.curve)), trainer.result())


def _weights(base: Trained | Mapping[str, torch.Tensor] | str | Path) -> Mapping[str, torch.Tensor]:
    if isinstance(base, Trained):
        return base.weights
    if isinstance(base, Mapping):
        return base
    try:
        return read_weights(Path(base))
    except OSError as error:
        raise InputError(f"{error}; {remedy(error)}") from error


def _task(train: Images, val: Images) -> Task:
    """The task made of two pairs of images and labels; raises InputError for other arguments."""
    parts = {}
    for subset, (images, labels) in (("train", train), ("val", val)):
        images, labels = np.asarray(images), np.asarray(labels)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
            raise InputError(
                f"{subset}: images are {images.dtype} {images.shape}; accepted are uint8 (count, size, size, 3)"
            )
        if len(labels) != len(images) or not np.issubdtype(labels.dtype, np.integer):
            raise InputError(f"{subset}: {len(labels)} labels ({labels.dtype}) given for {len(images)} images")
        parts[subset] = Examples(images, np.arange(len(images)), labels.astype(np.int64))
    classes = np.unique(parts["train"].labels)
    if len(classes) < 2 or not np.array_equal(classes, np.arange(len(classes))):
        raise InputError(
            f"train: labels are {classes.tolist()[:10]}; accepted are 0, 1, ... without a gap, two or more"
        )
    if not np.isin(parts["val"].labels, classes).all():
        raise InputError(f"val: a label is none of the {len(classes)} of the training images")
    return Task(parts["train"], parts["val"], len(classes))
