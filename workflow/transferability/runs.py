"""One network from files to files: read the task, train (or go on training), write accuracy, weights and provenance."""

import json
import logging
import os
import platform
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from transferability.data import select_examples
from transferability.errors import InputError
from transferability.files import written_whole
from transferability.fingerprint import file_sha256, fingerprint
from transferability.networks import Network
from transferability.progress import ProgressLog
from transferability.settings import read_settings
from transferability.state import StateKeeper
from transferability.store import open_store
from transferability.tables import read_index, read_manifest
from transferability.training import Start, Task, Trainer, summarize

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How a study trains its networks: architecture, the configuration's section `training`, seed, code's checksum."""

    architecture: str
    training: Mapping
    seed: int
    code: str


@dataclass(frozen=True)
class Source:
    """The files that a network is trained from. `weights` is the base network that it copies from, if it copies."""

    index: Path
    store: Path
    description: Path
    manifest: Path
    weights: Path | None = None


@dataclass(frozen=True)
class Products:
    """The files that training a network leaves. `weights` is None for networks that nothing is copied from."""

    accuracy: Path
    provenance: Path
    weights: Path | None = None


def run_network(
    network: Network,
    recipe: Recipe,
    source: Source,
    products: Products,
    state_root: Path,
    state_seconds: float,
    device: str,
    threads: int,
) -> None:
    """Train a network and write its products; a state that an earlier, killed run left below `state_root` is resumed.

    The state is saved every `state_seconds`; `device` is auto, cpu or cuda; `threads` are torch's on the CPU. Raises
    InputError for a damaged input file, TrainingError if the loss diverges, StoppedError on SIGTERM or SIGINT.
    """
    identity = f"{network.split}/{network.name}"
    began = time.time()
    torch.set_num_threads(threads)
    wnids = read_manifest(source.manifest)["wnid"].tolist()
    task = read_task(source, network.examples)
    settings = read_settings(recipe.training, len(task.train))
    mark = fingerprint([asdict(network), asdict(recipe), _data_checksums(source)])
    if source.weights:
        start = Start.from_base(read_weights(source.weights), network.copied, network.frozen)
    else:
        start = Start.from_scratch(task, network.frozen)
    hardware = pick_device(device)
    trainer = Trainer(identity, recipe.architecture, task, start, settings, recipe.seed, hardware)
    log.info("%s: %d training, %d validation images, on %s", identity, len(task.train), len(task.val), hardware)
    keeper = StateKeeper(state_root / network.split / f"{network.name}.pt", mark, state_seconds)
    keeper.resume(trainer)
    resumed_at = trainer.iteration
    trainer.run(keeper, ProgressLog(trainer))

    if products.weights:
        _write_weights(products.weights, trainer.result(), mark)
    images = (settings.iterations - resumed_at) * settings.batch_size
    _write_json(products.provenance, _provenance(hardware, began, images, resumed_at))
    _write_json(products.accuracy, accuracy_record(network, task, wnids, trainer, recipe.seed, mark))
    keeper.remove()


def read_task(source: Source, examples: int = 0) -> Task:
    """Read a task from index, store and manifest, or of its training images the first `examples` of each class.

    Raises InputError if the files do not fit together.
    """
    index = read_index(source.index)
    manifest = read_manifest(source.manifest)
    store = open_store(source.store, len(index))
    train = select_examples(store, index, manifest, "train", examples)
    val = select_examples(store, index, manifest, "val")
    for subset, images in (("train", train), ("val", val)):
        missing = sorted(set(manifest["label"]) - set(np.unique(images.labels)))
        if missing:
            wnids = ", ".join(manifest.set_index("label").loc[missing, "wnid"])
            raise InputError(
                f"{source.manifest}: {source.index} lists no {subset} images of {wnids}; delete both and run again"
            )
    return Task(train, val, len(manifest))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a base network's tensors; raise InputError if the file is damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is damaged ({error}); delete it and run again to train this base network anew"
        ) from error


def read_first_layers(paths: Iterable[Path]) -> dict[str, np.ndarray]:
    """Read the first layer's kernels of base networks: by "split/network", float32 (kernels, 3, height, width), BGR.

    Raises InputError for a damaged file.
    """
    return {f"{path.parent.name}/{path.stem}": read_weights(path)["conv1.conv.weight"].numpy() for path in paths}


def pick_device(wanted: str) -> torch.device:
    """Return the device for auto, cpu or cuda, set to compute deterministically; InputError for cuda without CUDA."""
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")  # all that training does there is deterministic as it is
    if not torch.cuda.is_available():
        raise InputError("config key device: cuda given, but torch sees no CUDA device; give auto or cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True)
    return torch.device("cuda")


def accuracy_record(network: Network, task: Task, wnids: list[str], trainer: Trainer, seed: int, mark: str) -> dict:
    """Return what a network's accuracy file holds: a function of configuration, data and code alone.

    `wnids` are the classes in order of their labels. by_class tells of each how many of its validation images the last
    test had right: "41/50".
    """
    images = np.bincount(task.val.labels, minlength=task.classes)
    return {
        "network": network.name,
        "split": network.split,
        "treatment": network.treatment,
        "source": network.source,
        "target": network.target,
        "n": network.n,
        "fine_tuned": network.fine_tuned,
        "preserved": network.preserved,
        "examples_per_class": network.examples,
        "classes": task.classes,
        "train_images": len(task.train),
        "val_images": len(task.val),
        **summarize(trainer.curve),
        "by_class": {wnid: f"{right}/{of}" for wnid, right, of in zip(wnids, trainer.correct, images, strict=True)},
        "seed": seed,
        "fingerprint": mark,
    }


def _data_checksums(source: Source) -> dict[str, str]:
    files = {"index": source.index, "store": source.description, "manifest": source.manifest, "weights": source.weights}
    return {name: file_sha256(path) for name, path in files.items() if path}


def _provenance(device: torch.device, began: float, images: int, resumed_at: int) -> dict:
    seconds = time.time() - began
    return {
        "started": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "images_per_s": round(images / seconds, 1),
        "resumed_at_iteration": resumed_at,
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _write_json(path: Path, content: dict) -> None:
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n")


def _write_weights(path: Path, tensors: dict[str, torch.Tensor], mark: str) -> None:
    with written_whole(path) as unfinished:
        save_file(tensors, unfinished, metadata={"fingerprint": mark})
