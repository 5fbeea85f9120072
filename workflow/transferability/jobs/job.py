"""One network, one job, from files to files: train it, or resume it, or find it finished; write what it leaves."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from transferability.common.atomic_files import write_text
from transferability.common.code import check_code
from transferability.common.errors import InputError
from transferability.common.locks import alone
from transferability.common.logs import job_log
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.assembly import train
from transferability.jobs.checkpoints import Checkpointer
from transferability.jobs.devices import leased_hardware
from transferability.jobs.finished import Finished
from transferability.jobs.layer_count import counted
from transferability.jobs.progress import Progress
from transferability.jobs.provenance import provenance, read_provenance
from transferability.jobs.recipe import Recipe, Source, mark_of, training_code
from transferability.jobs.slurm import job_deadline
from transferability.jobs.weights_files import read_weights, write_weights
from transferability.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Products:
    """The files that training a network leaves. `weights` is None for networks that nothing is copied from."""

    accuracy: Path
    provenance: Path
    weights: Path | None = None

    def by_kind(self) -> dict[str, Path]:
        """All of them; the accuracy file is last, so that where it is all are."""
        files = {"weights": self.weights, "provenance": self.provenance, "accuracy": self.accuracy}
        return {kind: path for kind, path in files.items() if path}


@dataclass(frozen=True)
class Job:
    """How a job runs, which changes no result: torch's CPU `threads`, `device` (auto, cpu or cuda), and limits.

    `jobs_per_device` jobs share a GPU. The state is saved every `state_seconds`; a job under Slurm that asked for
    `runtime` minutes stops before they are over. States, progress, locks, and finished networks are below `state_root`.
    """

    state_root: Path
    device: str
    threads: int
    jobs_per_device: int
    state_seconds: float
    runtime: float


def train_job(task: Mapping) -> None:
    """Do what `task` says, plain data: log, and the fields of Recipe, Source, Products and Job.

    Raises SystemExit after an error that the log has, as for code that is not that of the recipe.
    """
    with job_log(task["log"]):
        check_code(task["recipe"]["code"], *training_code(task["recipe"]["architecture"]["name"]))
        run_network(
            recipe=Recipe(**task["recipe"]),
            source=Source(**{name: Path(path) for name, path in task["source"].items()}),
            products=Products(**{name: Path(path) for name, path in task["products"].items()}),
            job=Job(**task["job"] | {"state_root": Path(task["job"]["state_root"])}),
        )


def run_network(recipe: Recipe, source: Source, products: Products, job: Job) -> None:
    """Train a network and write its products; resume from the checkpoint that an earlier, killed job left.

    What was finished under the same mark is put back instead. Waits while another process trains the same network, or
    uses the GPUs. Raises InputError for a damaged input file, OSError for one that cannot be read, TrainingError if the
    loss diverges, StoppedError on SIGTERM, SIGINT or before the walltime is over.
    """
    torch.set_num_threads(job.threads)
    deadline = job_deadline(job.runtime)
    mark = mark_of(recipe, source)
    split, name = recipe.network["split"], recipe.network["network"]
    states = job.state_root / split
    kept = Finished(job.state_root, split, name)
    checkpointer = Checkpointer(states / f"{name}.{mark[:16]}.pt", mark, job.state_seconds, deadline)
    with (
        alone(states / f"{name}.lock", "trains this network", checkpointer.check),
        Progress(states / f"{name}.progress") as progress,
    ):
        if kept.asked:
            kept.drop(mark)
        if _is_finished(kept, products, mark):
            log.info("%s is finished with this recipe, code and data: put back, not trained again", recipe.name)
        else:
            with leased_hardware(job.device, job.jobs_per_device, checkpointer.check) as device:
                _train(recipe, source, kept, products, device, _Watch(checkpointer, progress))
        kept.put_back(mark, products.by_kind())
        kept.in_place = True
        checkpointer.remove()


def _is_finished(kept: Finished, products: Products, mark: str) -> bool:
    """Whether all products are kept under this mark, whole."""
    try:
        record = read_record(kept.place(mark, "accuracy"))
        if products.weights:
            read_weights(kept.place(mark, "weights"))
        read_provenance(kept.place(mark, "provenance"))
        return record["fingerprint"] == mark
    except FileNotFoundError:
        return False
    except InputError as error:
        log.warning("%s; it is not put back", error)
        kept.drop(mark)
        return False


def _train(
    recipe: Recipe, source: Source, kept: Finished, products: Products, device: torch.device, watch: "_Watch"
) -> None:
    """Train a network to its end, and leave its products where finished ones are kept."""
    started, began, mark = datetime.now(UTC), time.monotonic(), watch.checkpointer.mark
    watch.progress.says("reads its images")
    means = watch.checkpointer.path.parents[1] / "means"
    accuracy, tensors = train(counted(recipe), source, mark, device, means, watch)
    times = provenance(device, started, time.monotonic() - began, watch.images, watch.resumed_at)
    kept.place(mark, "accuracy").parent.mkdir(parents=True, exist_ok=True)
    if products.weights:
        write_weights(kept.place(mark, "weights"), tensors, mark)
    for kind, content in (("provenance", times), ("accuracy", accuracy)):
        write_text(kept.place(mark, kind), json.dumps(content, indent=1) + "\n")
    kept.answer()


class _Watch:
    """An `assembly.Watch` that saves states, reports progress, and notes from where, and how many images, it trains."""

    def __init__(self, checkpointer: Checkpointer, progress: Progress):
        self.checkpointer, self.progress = checkpointer, progress
        self.saved, self.on_iteration, self.on_test = checkpointer.saved, checkpointer.on_iteration, progress.on_test
        self.resumed_at = self.images = 0

    def begins(self, trainer: Trainer) -> None:
        """Note where it is, and tell the progress from now on."""
        self.resumed_at = trainer.iteration
        self.images = (trainer.settings.iterations - self.resumed_at) * trainer.settings.batch_size
        self.progress.follow(trainer)
