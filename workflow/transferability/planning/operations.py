"""The operations of a training: what it costs, independently of the machine.

A multiply-add counts as one operation, as is usual for networks. torch counts those of matrix products, convolutions
and attention; others are few. A learning layer needs about three times the operations of its forward pass: the
gradients of its weights and of its inputs each cost as much again.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from transferability.common.errors import InputError
from transferability.datasets.index import count_images
from transferability.jobs.provenance import read_provenance
from transferability.models.building import build_model
from transferability.models.layers import as_layers
from transferability.study.blueprint import Blueprint
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import Settings
from transferability.training.features import FEATURE_BYTES

TWO = 2  # floating-point operations of a multiply-add


@dataclass(frozen=True)
class PerImage:
    """Multiply-adds for one image: forward through the frozen layers, and a training step of the learning layers.

    `feature_bytes` is the size of the frozen layers' output, in float32.
    """

    frozen: float
    learning: float
    feature_bytes: int


def _convolution_backward(output, images, weight, _bias, _stride, _padding, _dilation, transposed, *others, **_kwargs):
    """Return the floating-point operations of a convolution's gradients: each costs as much as the forward pass.

    torch's own count takes the convolutions of groups, as in MobileNet, for dense ones (torch 2.14).
    """
    of_input, of_weight = others[2][:2]
    return conv_flop_count(images, weight, output, transposed) * (of_input + of_weight)


GRADIENTS = {torch.ops.aten.convolution_backward: _convolution_backward}


@cache
def per_image(blueprint: Blueprint, size: int, classes: int, frozen: int) -> PerImage:
    """Count the operations of a network whose first `frozen` layers do not learn, for square images of `size` pixels.

    Nothing is computed: torch follows shapes. Raises InputError for a network that cannot be built or divided.
    """
    with torch.device("meta"):
        model = build_model(blueprint, size, classes)
    model.eval()  # BatchNorm in training mode does not take one image
    layers = list(as_layers(model, size).values())
    fixed, learning = nn.Sequential(*layers[:frozen]), nn.Sequential(*layers[frozen:])
    fixed.requires_grad_(False)
    images = torch.zeros(1, 3, size, size, device="meta")
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        features = fixed(images)
    with FlopCounterMode(display=False, custom_mapping=GRADIENTS) as step:
        learning(features).sum().backward()
    return PerImage(forward.get_total_flops() / TWO, step.get_total_flops() / TWO, features.nbytes)


def operations(
    one: PerImage, settings: Settings, train_images: int, computed: int | None, iterations: int | None = None
) -> float:
    """Return the multiply-adds of a training: those of its steps, and of the frozen layers.

    `computed` is how often the frozen layers are computed for each training image, if their features are kept; None if
    they are computed again in every step. `iterations` is the length of a part of the training; None for all of it.
    """
    seen = (settings.iterations if iterations is None else iterations) * settings.batch_size
    return one.learning * seen + one.frozen * (seen if computed is None else computed * train_images)


def times_computed(study: StudyPlan, one: PerImage, settings: Settings, train_images: int) -> int | None:
    """Return how often frozen layers are computed for each training image: once per view, if features are kept.

    None if they are computed in every step: it draws other crops and mirrors, or features take too much memory.
    """
    if settings.horizontal_flip or settings.augmentation != "random-crop" or study.image_size > settings.input_size:
        views = settings.views
    else:
        views = 1  # nothing is random
    kept = views and views * train_images * one.feature_bytes <= FEATURE_BYTES
    return views if kept else None


def train_images(network: Network, counts: pd.DataFrame) -> int:
    """Return the number of training images of a network; `counts` are those of its task (`index.count_images`)."""
    examples = counts["train"].clip(upper=network.examples) if network.examples else counts["train"]
    return int(examples.sum())


def study_operations(study: StudyPlan, tasks: Mapping[tuple[str, str], pd.DataFrame]) -> pd.Series:
    """Return the multiply-adds of the training of each network of a study, in the order of `StudyPlan.networks`.

    `tasks` maps (split, target) to the number of images per class: columns train, val (`index.count_images`).
    """
    found = []
    for network in study.networks:
        counts = tasks[network.split, network.target]
        images = train_images(network, counts)
        settings = study.settings(images, network.examples)
        model = study.model(network.split)
        waits = network.frozen < network.copied < len(model.layers)
        first = math.floor(settings.head_first * settings.iterations) if waits else 0
        phases = {network.copied: first} if first else {}
        phases[network.frozen] = settings.iterations - first
        total = 0.0
        for frozen, iterations in phases.items():
            one = per_image(model.blueprint, settings.input_size, len(counts), frozen)
            total += operations(one, settings, images, times_computed(study, one, settings, images), iterations)
        found.append(total)
    return pd.Series(found, dtype=float)


COLUMNS = ["split", "network", "operations", "cost", "seconds", "memory_mb"]


def costs_table(
    study: StudyPlan, index: pd.DataFrame, manifests: Mapping[tuple[str, str], pd.DataFrame]
) -> pd.DataFrame:
    """Return what the training of each network costs: COLUMNS.

    operations are multiply-adds; cost is relative to training all layers. seconds and memory_mb (the peak) are as
    measured, empty where that is not known. `manifests` maps tasks (split, target) to their manifests.
    """
    work = study_operations(study, tasks_of(study, index, manifests))
    measured = [_measured(study, network) for network in study.networks]
    table = pd.DataFrame(measured, columns=["seconds", "memory_mb"])
    names = {"split": [n.split for n in study.networks], "network": [n.name for n in study.networks]}
    return table.assign(**names, operations=work, cost=relative_costs(study.networks, work))[COLUMNS]


def tasks_of(
    study: StudyPlan, index: pd.DataFrame, manifests: Mapping[tuple[str, str], pd.DataFrame]
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the number of images per class of each task (split, target): columns train, val."""
    counts = {fold: count_images(index, fold) for fold in {study.fold(split) for split, _ in manifests}}
    return {task: counts[study.fold(task[0])].loc[manifest["wnid"]] for task, manifest in manifests.items()}


def _measured(study: StudyPlan, network: Network) -> tuple[float | None, float | None]:
    """The seconds that a training took, and its peak memory in MB; None if that is unknown, or it resumed."""
    with suppress(OSError, InputError):
        told = read_provenance(study.results.provenance(network.split, network.name))
        if told["resumed_at_iteration"] == 0:
            return told["seconds"], told["memory_mb"]
    return None, None


def relative_costs(networks: list[Network], operations: pd.Series) -> pd.Series:
    """Return operations relative to training all layers, which the base network of the same task does."""
    pairs = list(zip(networks, operations, strict=True))
    bases = {(network.split, network.target): of for network, of in pairs if network.treatment == "base"}
    return pd.Series([of / bases[network.split, network.target] for network, of in pairs], dtype=float)
