"""The costs of a study: images, time and disk space, network by network."""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from transferability.jobs.assembly import Start, new_trainer
from transferability.models.building import build_model
from transferability.planning.operations import per_image, times_computed, train_images
from transferability.study.blueprint import Blueprint
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import Settings
from transferability.tasks.task import Examples, Task
from transferability.training.trainer import Trainer

MEASURED_SECONDS = 0.5  # minimal duration of a measurement of training, after its first iteration
CPU_BATCH = 16  # largest batch in a measurement on a CPU
FLOAT32 = 4  # bytes


@dataclass(frozen=True)
class Disk:
    """Bytes that a study needs: its store, the weights of base networks, and the checkpoints of one training run."""

    store: int
    weights: int
    state: int


def disk_needs(study: StudyPlan, images: int, classes: Mapping) -> Disk:
    """Return the disk space that a study needs; `classes` maps a task (split, target) to its number of classes.

    A checkpoint holds weights and momentum (two moments for AdamW). A training run has up to three checkpoints, while
    it writes one.
    """
    size, crop = study.image_size, study.input_size
    mean = size * size * 3 * FLOAT32 if any(model.blueprint.is_builtin for model in study.models.values()) else 0
    copies = 3 if study.config["training"]["optimizer"] == "adamw" else 2
    models = {task: study.model(task[0]).blueprint for task in study.tasks}
    parameters = {(model, classes[task]): 0 for task, model in models.items()}
    parameters = {(model, count): _parameters(model, crop, count) for model, count in parameters}
    tasks = [(network.split, network.target) for network in study.networks if network.treatment == "base"]
    bases = [parameters[models[task], classes[task]] for task in tasks]
    return Disk(
        store=images * size * size * 3,
        weights=sum(FLOAT32 * count + mean for count in bases),
        state=3 * copies * FLOAT32 * max(parameters.values(), default=0),
    )


def _parameters(model: Blueprint, crop: int, classes: int) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(model, crop, classes).parameters())


def workload(study: StudyPlan, tasks: Mapping[tuple, pd.DataFrame]) -> pd.DataFrame:
    """Return the number of images that each network processes in total: columns network, trained, tested, first.

    first are those whose features are computed once, before the first iteration. `tasks` maps (split, target) to the
    number of images per class: columns train, val (`index.count_images`).
    """
    rows = []
    for network in study.networks:
        counts = tasks[network.split, network.target]
        images, val = train_images(network, counts), int(counts["val"].sum())
        settings = study.settings(images, network.examples)
        tests = -(-settings.iterations // settings.evaluate_every)
        one = per_image(study.model(network.split).blueprint, settings.input_size, len(counts), network.frozen)
        views = times_computed(study, one, settings, images) if network.frozen else None
        first = views * images + val if views else 0
        rows.append((network, settings.iterations * settings.batch_size, tests * val, first))
    return pd.DataFrame(rows, columns=["network", "trained", "tested", "first"])


@dataclass(frozen=True)
class Speed:
    """Images per second in training and in tests."""

    training: float
    test: float


def measure_speeds(
    study: StudyPlan, wanted: Iterable[tuple[str, int]], classes: int, device: torch.device
) -> dict[tuple[str, int], Speed]:
    """Measure the speed of training and tests for architectures (`StudyPlan.models`) and numbers of frozen layers.

    Each measurement uses random pixels and takes about a second. Batches are small on a CPU. The network is not
    compiled, because compilation takes longer than that.
    """
    settings = study.settings(study.config["training"]["batch_size"])
    batch = min(settings.batch_size, CPU_BATCH) if device.type == "cpu" else settings.batch_size
    views = settings.views and 1  # features of all views are computed before the first iteration
    settings = replace(settings, batch_size=batch, compile=False, views=views, iterations=10**9, evaluate_every=10**9)
    size = study.image_size
    generator = np.random.default_rng(0)
    store = generator.integers(0, 256, (2 * batch, size, size, 3), dtype=np.uint8)
    examples = Examples(store, np.arange(len(store)), generator.integers(0, classes, len(store)))
    task = Task(examples, examples, classes)
    speeds = {}
    kinds = set(wanted)
    for architecture, n in sorted(kinds | {(architecture, 0) for architecture, _ in kinds}):
        blueprint = study.models[architecture].blueprint
        speeds[architecture, n] = _measure(blueprint, task, Start.from_scratch(task, n), settings, device)
    return speeds


class _EnoughError(Exception):
    """Raised when a measurement is over."""


def _measure(model: Blueprint, task: Task, start: Start, settings: Settings, device: torch.device) -> Speed:
    trainer = new_trainer("measurement", model, task, start, settings, 0, device)
    training = training_speed(trainer, MEASURED_SECONDS)
    trainer.test()
    began = now(device)
    trainer.test()
    return Speed(training, len(task.val) / (now(device) - began))


def training_speed(trainer: Trainer, seconds: float) -> float:
    """Return the images per second of a Trainer's iterations after its first, over at least `seconds`."""
    times = []

    def pause(_trainer: Trainer) -> None:
        """Record the time, and stop after enough iterations."""
        times.append(time.perf_counter() if times else now(trainer.device))
        if times[-1] - times[0] > seconds and len(times) > 2:
            times[-1] = now(trainer.device)
            raise _EnoughError

    with suppress(_EnoughError):
        trainer.run(pause, lambda *_: None)
    return (len(times) - 1) * trainer.settings.batch_size / (times[-1] - times[0])


def now(device: torch.device) -> float:
    """Wait until the device has finished all work, and return the time in seconds."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def kind_of(study: StudyPlan, network: Network) -> tuple[str, int]:
    """Return what the speed of a network depends on: its architecture, and its number of frozen layers."""
    return study.model(network.split).architecture, network.frozen


def estimate_seconds(study: StudyPlan, work: pd.DataFrame, speeds: Mapping[tuple[str, int], Speed]) -> pd.Series:
    """Return the seconds that each row of `workload` takes at measured speeds."""
    of_row = [speeds[kind_of(study, network)] for network in work["network"]]
    whole = [speeds[study.model(network.split).architecture, 0] for network in work["network"]]
    training = work["trained"] / [speed.training for speed in of_row]
    tests = work["tested"] / [speed.test for speed in of_row]
    return (training + tests + work["first"] / [speed.test for speed in whole]).astype(float)


def slowdown(work: pd.DataFrame, seconds: pd.Series, results: Results) -> tuple[float, int, list[str]]:
    """Compare the estimates with finished networks.

    Return the median ratio of actual to estimated time, the number of finished networks, and their devices; 1.0, 0 and
    an empty list if there are none. The actual time is derived from images per second, so resumed networks count too.
    """
    ratios, devices = [], []
    for network, images, estimated in zip(work["network"], work["trained"], seconds, strict=True):
        try:
            file = results.provenance(network.split, network.name)
            provenance = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not provenance["images_per_s"]:  # resumed after its last iteration: nothing was trained
            continue
        ratios.append(images / provenance["images_per_s"] / estimated)
        devices.append(provenance["device"])
    return (float(np.median(ratios)), len(ratios), sorted(set(devices))) if ratios else (1.0, 0, [])
