"""One network from files to files: read the task, train (or go on training), write accuracy, weights and provenance."""

import hashlib
import json
import logging
import os
import platform
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from transferability.data import select_examples
from transferability.errors import InputError
from transferability.files import written_whole
from transferability.fingerprint import file_sha256, fingerprint
from transferability.leases import leased_device, training_alone
from transferability.logs import job_log
from transferability.networks import Network
from transferability.progress import Progress
from transferability.results import read_record
from transferability.settings import read_settings
from transferability.state import StateKeeper
from transferability.store import StoreFiles, open_store
from transferability.tables import read_index, read_manifest
from transferability.training import Start, Task, Trainer, summarize
from transferability.walltime import job_deadline, job_is_ending

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
    checksums: Path
    description: Path
    manifest: Path
    weights: Path | None = None


@dataclass(frozen=True)
class Products:
    """The files that training a network leaves. `weights` is None for networks that nothing is copied from."""

    accuracy: Path
    provenance: Path
    weights: Path | None = None


@dataclass(frozen=True)
class Job:
    """How a job runs, which changes no result: torch's CPU `threads`, `device` (auto, cpu or cuda), and limits.

    `jobs_per_device` jobs share a GPU. The state is saved every `state_seconds`; a job under Slurm that asked for
    `runtime` minutes stops before they are over. States, progress and locks are below `state_root`.
    """

    state_root: Path
    device: str
    threads: int
    jobs_per_device: int
    state_seconds: float
    runtime: float


def train_job(task: Mapping) -> None:
    """Do what `task` tells, plain data: log, split, network, and the fields of Recipe, Source, Products and Job."""
    with job_log(task["log"]):
        run_network(
            network=Network.parse(task["split"], task["network"]),
            recipe=Recipe(**task["recipe"]),
            source=Source(**{name: Path(path) for name, path in task["source"].items()}),
            products=Products(**{name: Path(path) for name, path in task["products"].items()}),
            job=Job(**task["job"] | {"state_root": Path(task["job"]["state_root"])}),
        )


def run_network(network: Network, recipe: Recipe, source: Source, products: Products, job: Job) -> None:
    """Train a network and write its products, on from the state that an earlier, killed run left.

    Waits while another process trains the same network, or uses the GPUs. Raises InputError for a damaged input file,
    TrainingError if the loss diverges, StoppedError on SIGTERM, SIGINT or before the walltime is over.
    """
    torch.set_num_threads(job.threads)
    deadline = job_deadline(job.runtime)
    mark = fingerprint([asdict(network), asdict(recipe), _data_checksums(source)])
    state = job.state_root / network.split / f"{network.name}.pt"
    with training_alone(state.with_suffix(".lock")):
        if _is_done(products, mark):
            log.info("%s/%s: another process has trained it", network.split, network.name)
            return
        with leased_hardware(job.device, job.jobs_per_device) as hardware:
            keeper = StateKeeper(state, mark, job.state_seconds, deadline)
            trained = _train(network, recipe, source, hardware, keeper, state.with_suffix(".progress"))
            _write_products(products, trained, mark)
            if not job_is_ending():
                keeper.remove()


@dataclass(frozen=True)
class Trained:
    """What a training leaves: its accuracy file's content, its provenance, and its tensors."""

    accuracy: dict
    provenance: dict
    tensors: dict[str, torch.Tensor]


def _train(
    network: Network, recipe: Recipe, source: Source, hardware: torch.device, keeper: StateKeeper, progress_file: Path
) -> Trained:
    started, began = datetime.now(UTC), time.monotonic()
    identity = f"{network.split}/{network.name}"
    wnids = read_manifest(source.manifest)["wnid"].tolist()
    task = read_task(source, network.examples)
    settings = read_settings(recipe.training, len(task.train))
    if source.weights:
        start = Start.from_base(read_weights(source.weights), network.copied, network.frozen)
    else:
        start = Start.from_scratch(task, network.frozen)
    trainer = Trainer(identity, recipe.architecture, task, start, settings, recipe.seed, hardware)
    log.info("%s: %d training, %d validation images, on %s", identity, len(task.train), len(task.val), hardware)
    keeper.resume(trainer)
    resumed_at = trainer.iteration
    progress = Progress(trainer, progress_file)

    def pause(trainer: Trainer) -> None:
        """Tell how far it is, then save or stop if it is time: the keeper may raise."""
        progress.iteration(trainer)
        keeper(trainer)

    try:
        trainer.run(pause, progress.test)
    finally:
        progress.end()
    images = (settings.iterations - resumed_at) * settings.batch_size
    provenance = _provenance(hardware, started, time.monotonic() - began, images, resumed_at)
    return Trained(
        accuracy_record(network, task, wnids, trainer, recipe.seed, keeper.mark), provenance, trainer.result()
    )


def _is_done(products: Products, mark: str) -> bool:
    """Whether all products are there, whole and of this network as it is configured."""
    try:
        record = read_record(products.accuracy)
        return (
            record["fingerprint"] == mark
            and products.provenance.exists()
            and (products.weights is None or read_weights(products.weights) is not None)
        )
    except (InputError, OSError):
        return False


def _write_products(products: Products, trained: Trained, mark: str) -> None:
    """Write the products; the accuracy file comes last, so that where it is all are."""
    if products.weights:
        with written_whole(products.weights) as unfinished:
            write_weights(unfinished, trained.tensors, mark)
    for path, content in ((products.provenance, trained.provenance), (products.accuracy, trained.accuracy)):
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=1) + "\n")


def read_task(source: Source, examples: int = 0) -> Task:
    """Read a task from index, store and manifest, or of its training images the first `examples` of each class.

    Raises InputError if the files do not fit together.
    """
    index = read_index(source.index)
    manifest = read_manifest(source.manifest)
    store = open_store(StoreFiles(source.index, source.store, source.checksums, source.description))
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


def write_weights(path: Path, tensors: Mapping[str, torch.Tensor], mark: str) -> None:
    """Write tensors as safetensors, with the network's fingerprint and a checksum of the tensors as metadata.

    Both are in one entry: safetensors writes several in another order in each process.
    """
    marks = json.dumps({"fingerprint": mark, "sha256": _tensors_sha256(tensors)})
    path.write_bytes(save(dict(tensors), metadata={"marks": marks}))


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a base network's tensors; raise InputError if the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            digest = json.loads((file.metadata() or {})["marks"])["sha256"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        damage = "" if _tensors_sha256(tensors) == digest else "its checksum differs"
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        damage = repr(error)
    if damage:
        raise InputError(f"{path} is damaged ({damage}); delete it and run again to train this base network anew")
    return tensors


def _tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}\n".encode())
        digest.update(tensors[name].contiguous().numpy())
    return digest.hexdigest()


def read_first_layers(paths: Iterable[Path]) -> dict[str, np.ndarray]:
    """Read the first layer's kernels of base networks: by "split/network", float32 (kernels, 3, height, width), BGR.

    Raises InputError for a damaged file.
    """
    return {f"{path.parent.name}/{path.stem}": read_weights(path)["conv1.conv.weight"].numpy() for path in paths}


@contextmanager
def leased_hardware(wanted: str, jobs_per_device: int) -> Iterator[torch.device]:
    """Yield the device for auto, cpu or cuda, set to compute deterministically: a GPU that this job has for itself.

    Where several jobs may share a GPU, it is one that fewer than `jobs_per_device` use, and its memory is divided.
    Raises InputError for cuda without CUDA.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        yield torch.device("cpu")  # all that training does there is deterministic as it is
        return
    if not torch.cuda.is_available():
        raise InputError("config key device: cuda given, but torch sees no CUDA device; give auto or cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a pass over memory that nothing reads
    names = [str(torch.cuda.get_device_properties(k).uuid) for k in range(torch.cuda.device_count())]
    with leased_device(names, jobs_per_device) as place:
        torch.cuda.set_device(place)
        if jobs_per_device > 1:  # a tenth is left for what CUDA itself takes in each process
            torch.cuda.set_per_process_memory_fraction(0.9 / jobs_per_device)
        yield torch.device("cuda", place)


def accuracy_record(network: Network, task: Task, wnids: list[str], trainer: Trainer, seed: int, mark: str) -> dict:
    """Return what a network's accuracy file holds: a function of configuration, data and code alone.

    `wnids` are the classes in order of their labels. by_class tells of each how many of its validation images the last
    test had right: "41/50".
    """
    images = np.bincount(task.val.labels, minlength=task.classes)
    record = {
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
    return record | {"checksum": fingerprint(record)}


def _data_checksums(source: Source) -> dict[str, str]:
    files = {"index": source.index, "store": source.description, "manifest": source.manifest, "weights": source.weights}
    return {name: file_sha256(path) for name, path in files.items() if path}


def _provenance(device: torch.device, started: datetime, seconds: float, images: int, resumed_at: int) -> dict:
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "images_per_s": round(images / seconds, 1),
        "resumed_at_iteration": resumed_at,
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu ({platform.machine()})",
        "cuda_visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "slurm_job": os.environ.get("SLURM_JOB_ID", ""),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
