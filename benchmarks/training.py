"""Speed of the trainer, end to end, and of the bare step: python benchmarks/training.py [configuration [n ...]]

The ceiling is the speed of forward, backward and update, repeated on one batch that is already on the device. The
trainer reads its batches from a store on disk, crops, mirrors and subtracts the mean image as configured, and computes
the features of frozen layers only once per image if they never change. The networks are those of the configuration
(default: config/config.yaml, without crop and mirror; config/tiny-imagenet.yaml, with both;
config/resnet18-pictures.yaml; config/imagenet-fast.yaml and config/imagenet-resnet50.yaml, on a GPU). The images are
random; they are read from the store during training if a half would not fit on the device. Both speeds are measured in
turns; the table lists medians. If the configuration has the expected number of training images, the hours for Figure
2's networks at these speeds, without tests, are added. The numbers n of frozen layers are those of the configuration,
or those given as arguments; hours are interpolated between them.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from operations import step_operations
from record import record
from transferability.common.seeds import derive_seed
from transferability.jobs.assembly import Start, new_trainer
from transferability.models.building import build_network, pixel_scale
from transferability.models.fast_forms import fast_form
from transferability.planning.costs import now, training_speed
from transferability.runtime.devices import leased_hardware
from transferability.study.architectures import Blueprint, blueprint
from transferability.study.configuration import fill_defaults
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import Settings
from transferability.tasks.task import Examples, Task
from transferability.training import batches
from transferability.training.compilation import compiled
from transferability.training.optimizers import new_optimizer
from transferability.training.precision import precision_context
from transferability.training.trainer import batch_loss

REPOSITORY = Path(__file__).parents[1]
REPEATS, SECONDS = 5, 2.0
CLASSES = 100


def bare_step(model: Blueprint, frozen: int, settings: Settings, device: torch.device) -> tuple[Callable, float]:
    """Return the bare step of a model on one batch that is on the device, and its operations per image."""
    network = build_network(model, settings.input_size, CLASSES, partial(derive_seed, 0), device, frozen=frozen)
    optimizer = new_optimizer(network.model, settings)
    shape = (settings.batch_size, 3, settings.input_size, settings.input_size)
    scale = 60 * pixel_scale(model) if model.is_builtin else 1
    inputs = (scale * torch.randn(shape, device=device)).to(memory_format=torch.channels_last)
    labels = torch.randint(CLASSES, (settings.batch_size,), device=device)

    def step(loss: Callable) -> None:
        with precision_context(settings.precision, device):
            value = loss(inputs, labels)
        value.backward()
        optimizer.step(1e-4)

    plain = partial(batch_loss, network.model, settings.label_smoothing)
    fast = (
        compiled(partial(batch_loss, fast_form(network.model), settings.label_smoothing)) if settings.compile else plain
    )
    operations = step_operations(network.layers.values(), frozen, inputs[:2])
    return partial(step, fast), operations


def repeated(step: Callable, device: torch.device) -> float:
    """Return the steps per second, after a first one."""
    step()
    began, steps = now(device), 0
    while time.perf_counter() - began < SECONDS or not steps:
        step()
        steps += 1
    return steps / (now(device) - began)


def measured(model: Blueprint, task: Task, frozen: int, settings: Settings, device: torch.device) -> dict:
    """Return a row of the table: ceiling and trainer for networks with `frozen` first layers frozen."""
    start = Start.from_scratch(task, frozen)
    step, operations = bare_step(model, frozen, settings, device)
    trainer = new_trainer("benchmark", model, task, start, settings, 0, device)
    pairs = [(settings.batch_size * repeated(step, device), training_speed(trainer, SECONDS)) for _ in range(REPEATS)]
    ceiling, whole = map(statistics.median, zip(*pairs, strict=True))
    return {
        "frozen layers": frozen,
        "ceiling, images/s": ceiling,
        "trainer, images/s": whole,
        "share": statistics.median(ours / theirs for theirs, ours in pairs),
        "ceiling, GFLOP/s": ceiling * operations / 1e9,
    }


def random_task(size: int, images: int, directory: str) -> Task:
    """Return a task of random images in a store on disk."""
    generator, file = np.random.default_rng(0), Path(directory) / "store.npy"
    store = np.lib.format.open_memmap(file, "w+", np.uint8, (images, size, size, 3))
    for start in range(0, images, 256):
        store[start : start + 256] = generator.integers(0, 256, store[start : start + 256].shape, dtype=np.uint8)
    store.flush()
    store = np.load(file, mmap_mode="r")
    examples = Examples(store, np.arange(images), generator.integers(0, CLASSES, images))
    few = Examples(store, np.arange(10), examples.labels[:10])
    return Task(examples, few, CLASSES)


def figure2_hours(config: Mapping, images: int, speeds: Mapping[int, float]) -> str:
    """Return the hours for Figure 2's networks, as text; `images` per half, `speeds` in images/s by frozen layers."""
    networks = StudyPlan(config).experiments["random-splits"]
    settings = StudyPlan(config).settings(images)
    n, seconds_an_image = list(speeds), [1 / speed for speed in speeds.values()]
    seconds = sum(
        settings.iterations * settings.batch_size * np.interp(network.frozen, n, seconds_an_image)
        for network in networks
    )
    return f"the {len(networks)} networks of Figure 2 take {seconds / 3600:,.0f} hours at these speeds, without tests"


def speeds(config: Mapping, n: list[int], device: torch.device) -> tuple[pd.DataFrame, str]:
    """Return the table of a configuration for these numbers of frozen layers, and notes."""
    settings = replace(
        StudyPlan(config).settings(config["training"]["batch_size"]), iterations=10**8, evaluate_every=10**8
    )
    size, architecture = config["dataset"]["image_size"], config["network"]["architecture"]
    half = (config["dataset"]["expected"]["train"] or 0) // 2
    if half * size**2 * 3 > batches.resident_bytes(device):
        batches.resident_bytes = lambda device: 0  # read the sample from the store during training, as a half would be
    with tempfile.TemporaryDirectory() as directory:
        task = random_task(size, 20 * settings.batch_size if size > 100 else 20_000, directory)
        table = pd.DataFrame([measured(blueprint(architecture), task, frozen, settings, device) for frozen in n])
    notes = (
        f"{architecture} in {settings.precision}, batches of {settings.batch_size}, {settings.input_size} pixels, "
        f"on {device}, {torch.get_num_threads()} threads"
    )
    if half:
        notes += "; " + figure2_hours(config, half, dict(table[["frozen layers", "trainer, images/s"]].to_numpy()))
    return table, notes


if __name__ == "__main__":
    name, *given = sys.argv[1:] or ["config/config.yaml"]
    config = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    fill_defaults(config)  # not checked: the image set need not exist
    torch.set_num_threads(config["jobs"]["threads"])
    with leased_hardware(config["device"], 1) as device:
        n = sorted(map(int, given)) or [0, *config["network"]["n"]]
        record(f"training-{Path(name).stem}", *speeds(config, n, device))
