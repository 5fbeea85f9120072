"""The trainer, end to end from a store, against the bare step: python benchmarks/training.py [configuration]

The ceiling is forward, backward and update, over and over on one batch that is ready on the device. The trainer reads
its batches from a store on disk, crops, mirrors and subtracts the mean image as the configuration says, and computes
what frozen layers make of an image once where that never changes. Networks are those of the configuration (default:
config/config.yaml, without crop and mirror; config/tiny-imagenet.yaml, with both; config/imagenet-fast.yaml for
`caffenet`, on a GPU), on random pictures. Both are measured in turns; medians.
"""

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from record import record
from snakemake.utils import update_config
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transferability.architectures import ARCHITECTURES
from transferability.costs import now, training_speed
from transferability.data import Examples
from transferability.optimizer import SGD
from transferability.settings import Settings, read_settings
from transferability.training import Start, Task, Trainer, arithmetic, build_network

REPOSITORY = Path(__file__).parents[1]
REPEATS, SECONDS = 5, 4.0
CLASSES = 100


def ceiling(architecture: str, start: Start, settings: Settings, device: torch.device) -> tuple:
    """Images per second of the bare step on one batch that is on the device, and its operations per image."""
    network = build_network(architecture, settings.crop, CLASSES, start, lambda *purpose: hash(purpose) % 2**31).to(
        device
    )
    optimizer = SGD(network.parameters(), settings.momentum, settings.weight_decay)
    shape = (settings.batch_size, 3, settings.crop, settings.crop)
    scale = 60 * ARCHITECTURES[architecture].pixel_scale
    inputs = (scale * torch.randn(shape, device=device)).to(memory_format=torch.channels_last)
    labels = torch.randint(CLASSES, (settings.batch_size,), device=device)

    def step() -> None:
        with arithmetic(settings.precision, device):
            loss = nn.functional.cross_entropy(network(inputs), labels)
        loss.backward()
        optimizer.step(1e-4)

    with FlopCounterMode(display=False) as counter:
        step()
    operations = counter.get_total_flops() / settings.batch_size
    began, steps = now(device), 0
    while time.perf_counter() - began < SECONDS or not steps:
        step()
        steps += 1
    return steps * settings.batch_size / (now(device) - began), operations


def trainer_speed(architecture: str, task: Task, start: Start, settings: Settings, device: torch.device) -> float:
    """Images per second of a Trainer's iterations, after the first."""
    return training_speed(Trainer("benchmark", architecture, task, start, settings, 0, device), SECONDS)


def random_task(size: int, images: int, directory: str) -> Task:
    """A task of random pictures in a store on disk."""
    generator, file = np.random.default_rng(0), Path(directory) / "store.npy"
    store = np.lib.format.open_memmap(file, "w+", np.uint8, (images, size, size, 3))
    for start in range(0, images, 256):
        store[start : start + 256] = generator.integers(0, 256, store[start : start + 256].shape, dtype=np.uint8)
    store.flush()
    store = np.load(file, mmap_mode="r")
    examples = Examples(store, np.arange(images), generator.integers(0, CLASSES, images))
    few = Examples(store, np.arange(10), examples.labels[:10])
    return Task(examples, few, CLASSES)


if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "config/config.yaml"
    config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load(Path(name).read_text()))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(config["jobs"]["threads"] if device.type == "cpu" else torch.get_num_threads())
    architecture = config["network"]["architecture"]
    settings = replace(read_settings(config["training"], 1), iterations=10**8, test_every=10**8)
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        images = 20 * settings.batch_size if config["dataset"]["image_size"] > 100 else 20_000
        task = random_task(config["dataset"]["image_size"], images, directory)
        for frozen in (0, 3, 7):
            start = Start.from_scratch(task, frozen)
            pairs = [
                (
                    ceiling(architecture, start, settings, device),
                    trainer_speed(architecture, task, start, settings, device),
                )
                for _ in range(REPEATS)
            ]
            bare = statistics.median(theirs for (theirs, _), _ in pairs)
            whole = statistics.median(ours for _, ours in pairs)
            share = statistics.median(ours / theirs for (theirs, _), ours in pairs)
            rows.append((frozen, bare, whole, share, bare * pairs[0][0][1] / 1e9))
    columns = ["frozen layers", "ceiling, images/s", "trainer, images/s", "share", "ceiling, GFLOP/s"]
    notes = (
        f"{architecture} in {settings.precision}, batches of {settings.batch_size}, {settings.crop} pixels, "
        f"on {device}, {torch.get_num_threads()} threads"
    )
    record(f"training-{Path(name).stem}", pd.DataFrame(rows, columns=columns), notes)
