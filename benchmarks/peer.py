"""Compare the workflow with ordinary torchvision training of the same networks, for the grid of Figure 2.

    python benchmarks/peer.py CONFIGURATION IMAGES RESULTS LENGTH

RESULTS is the results directory of a workflow run that made figure2.pdf with one random split, a training length of
LENGTH ("12 epochs") and the images in IMAGES, in one call (--config 'splits={random: 1}'
'training={length: 12 epochs}'). Ordinary training is one process that has the whole machine: torchvision's ImageFolder
on the same JPEGs, transforms (resize, crop, mirror, mean), a DataLoader with a worker per core, layers frozen by
requires_grad, torch.optim.SGD with the same rates, momentum, decay and smoothed labels, autograd. For every number of
frozen layers it trains on half A for some epochs, and its speed is extrapolated to the image passes of the 58 networks.
The time of the workflow is the wall time from the start of its first training to the end of the last one, plus packing.
One base network is trained to the end for its accuracy.
"""

import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
import yaml
from snakemake.utils import update_config
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from record import record
from transferability.common.tables import read_index, read_manifest
from transferability.jobs.accuracy_file import read_record
from transferability.models.building import build_model, initialize, pixel_scale
from transferability.planning.costs import now
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import Settings
from transferability.training.precision import precision_context

REPOSITORY = Path(__file__).parents[1]
REPEATS = 3
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# The fastest of 1, 2, 3 workers with 1 or 2 threads on two cores: 1.5 times as fast as torch's default of 2 threads.
WORKERS, THREADS = len(os.sched_getaffinity(0)), 1


def link_half(root: Path, results: Path, scratch: Path) -> None:
    """Make an image folder of half A's images, as links to the files of the set."""
    index, wnids = read_index(results / "index.csv"), read_manifest(results / "splits" / "random-0" / "A.csv")["wnid"]
    for row in index[index["wnid"].isin(set(wnids))].itertuples():
        folder = scratch / row.subset / row.wnid
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(row.path).name).symlink_to((root / row.path).resolve())


def loader(folder: Path, settings: Settings, image_size: int, scale: float, train: bool) -> DataLoader:
    """Return a DataLoader as in torchvision's examples."""
    steps = [] if image_size == settings.input_size else [transforms.Resize((image_size, image_size))]
    if image_size > settings.input_size:
        steps.append(
            transforms.RandomCrop(settings.input_size) if train else transforms.CenterCrop(settings.input_size)
        )
    if train and settings.horizontal_flip:
        steps.append(transforms.RandomHorizontalFlip())
    steps += [transforms.ToTensor(), transforms.Normalize([0.45] * 3, [1 / 255 / scale] * 3)]
    data = datasets.ImageFolder(folder, transforms.Compose(steps))
    batch = settings.batch_size if train else 500
    how = {"num_workers": WORKERS, "persistent_workers": True, "pin_memory": DEVICE.type == "cuda"}
    return DataLoader(data, batch, shuffle=train, drop_last=train, **how)


class Peer:
    """One network and its loaders."""

    def __init__(self, scratch: Path, config: dict, settings: Settings, frozen: int):
        model, size = StudyPlan(config).main.blueprint, config["dataset"]["image_size"]
        self.train_batches = loader(scratch / "train", settings, size, pixel_scale(model), train=True)
        self.val_batches = loader(scratch / "val", settings, size, pixel_scale(model), train=False)
        self.network = build_model(model, settings.input_size, len(self.train_batches.dataset.classes))
        for number, layer in enumerate(self.network):
            initialize(layer, number)
            layer.requires_grad_(number >= frozen)
        self.network.to(DEVICE)
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(
            [
                {"params": [p for p in learning if p.dim() > 1], "weight_decay": settings.weight_decay, "factor": 1},
                {"params": [p for p in learning if p.dim() == 1], "weight_decay": 0.0, "factor": 2},
            ],
            lr=settings.learning_rate,
            momentum=settings.momentum,
        )
        self.settings, self.iteration = settings, 0

    def epoch(self) -> int:
        """Train for an epoch; return the number of images."""
        self.network.train()
        images = 0
        for inputs, labels in self.train_batches:
            for group in self.optimizer.param_groups:
                group["lr"] = group["factor"] * self.settings.rate_at(min(self.iteration, self.settings.iterations - 1))
            self.optimizer.zero_grad()
            inputs, labels = inputs.to(DEVICE, non_blocking=True), labels.to(DEVICE, non_blocking=True)
            with precision_context(self.settings.precision, DEVICE):
                scores = self.network(inputs)
                loss = nn.functional.cross_entropy(scores, labels, label_smoothing=self.settings.label_smoothing)
            loss.backward()
            self.optimizer.step()
            images, self.iteration = images + len(labels), self.iteration + 1
        return images

    def test(self) -> tuple[float, int]:
        """Return the accuracy on all validation images, and their number."""
        self.network.eval()
        right = images = 0
        with torch.no_grad(), precision_context(self.settings.precision, DEVICE):
            for inputs, labels in self.val_batches:
                inputs, labels = inputs.to(DEVICE, non_blocking=True), labels.to(DEVICE, non_blocking=True)
                right += (self.network(inputs).argmax(1) == labels).sum().item()
                images += len(labels)
        return right / images, images

    def speeds(self) -> tuple[float, float]:
        """Return images per second of training and of tests: medians, after a first epoch that starts the workers."""
        self.epoch(), self.test()
        trained, tested = [], []
        for _ in range(REPEATS):
            began = now(DEVICE)
            images = self.epoch()
            between = now(DEVICE)
            trained.append(images / (between - began))
            tested.append(self.test()[1] / (now(DEVICE) - between))
        return statistics.median(trained), statistics.median(tested)


def check_same(settings: Settings) -> None:
    """Exit with an error if this script does not support the configuration's settings."""
    wanted = replace(settings, optimizer="caffe-sgd", clip_norm=0, augmentation="random-crop", compile=False)
    for key, value in vars(wanted).items():
        if vars(settings)[key] != value:
            sys.exit(f"config key training.{key}: {vars(settings)[key]} is not done here; accepted: {value}")


def standard_errors(accuracies: tuple[float, float], images: int) -> float:
    """Return the difference of two accuracies in standard errors; each was tested on `images` images."""
    return abs(accuracies[0] - accuracies[1]) / sum(p * (1 - p) / images for p in accuracies) ** 0.5


def workflow_seconds(results: Path) -> float:
    """Return the seconds from the start of the workflow's first training job to the end of the last, plus packing."""
    files = list(results.glob("benchmarks/train/random-0/*.tsv"))
    ends = [file.stat().st_mtime for file in files]
    starts = [file.stat().st_mtime - pd.read_csv(file, sep="\t")["s"].item() for file in files]
    return max(ends) - min(starts) + pd.read_csv(results / "benchmarks" / "pack.tsv", sep="\t")["s"].item()


def grid_seconds(networks: list[Network], settings: Settings, images: int, speeds: dict[int, tuple]) -> float:
    """Return the seconds for all networks at the speeds (training, test) measured by number of frozen layers."""
    tests = -(-settings.iterations // settings.evaluate_every)
    trained, tested = settings.iterations * settings.batch_size, tests * images
    return sum(trained / speeds[n.frozen][0] + tested / speeds[n.frozen][1] for n in networks)


def trained_accuracy(peer: Peer) -> float:
    """Train to the end of the schedule, and return the accuracy of a test."""
    while peer.iteration < peer.settings.iterations:
        peer.epoch()
    return peer.test()[0]


if __name__ == "__main__":
    name, root, results, length = sys.argv[1:5]
    torch.set_num_threads(THREADS)
    root, results = Path(root), Path(results)
    config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text(encoding="utf-8"))
    update_config(config, yaml.safe_load(Path(name).read_text(encoding="utf-8")))
    config["training"]["length"] = length
    base = read_record(results / "accuracy" / "random-0" / "baseA.json")
    settings = StudyPlan(config).settings(base["train_images"])
    check_same(settings)
    networks = [n for n in StudyPlan(config).experiments["random-splits"] if n.split == "random-0"]
    with tempfile.TemporaryDirectory() as scratch:
        link_half(root, results, Path(scratch))
        speeds = {n: Peer(Path(scratch), config, settings, n).speeds() for n in range(8)}
        accuracy = trained_accuracy(Peer(Path(scratch), config, settings, 0))
    theirs = grid_seconds(networks, settings, base["val_images"], speeds)
    ours = workflow_seconds(results)
    rows = [(n, *speeds[n]) for n in speeds]
    notes = f"{WORKERS} workers, {THREADS} threads; " + (
        f"{len(networks)} networks, {length}: the ordinary way {theirs:.0f} s, this workflow {ours:.0f} s "
        f"(with start-up and packing), {theirs / ours:.2f} times as fast; "
        f"top-1 of baseA {accuracy:.3f} and {base['top1']:.3f}, "
        f"{standard_errors((accuracy, base['top1']), base['val_images']):.1f} standard errors apart"
    )
    table = pd.DataFrame(rows, columns=["frozen layers", "training, images/s", "test, images/s"])
    record(f"peer-{Path(name).stem}", table, notes)
