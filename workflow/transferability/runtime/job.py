"""One network as one job, from input files to output files: train it, resume it, or restore it if it is finished."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError
from transferability.jobs.assembly import train
from transferability.jobs.provenance import as_text, provenance
from transferability.jobs.recipe import Recipe, Source, mark_of, recipe_of, source_of, training_code
from transferability.jobs.weights_files import write_weights
from transferability.runtime.checkpoints import Checkpointer
from transferability.runtime.code import check_code
from transferability.runtime.devices import device_name, leased_hardware
from transferability.runtime.finished_copies import Finished, Products, products_of
from transferability.runtime.locks import file_lock
from transferability.runtime.logs import job_log
from transferability.runtime.progress import Progress
from transferability.runtime.slurm import job_deadline
from transferability.runtime.up_to_date import check_base
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Settings of a job that change no result: torch's CPU `threads`, `device` (auto, cpu or cuda), and limits.

    `jobs_per_device` jobs share a GPU. The state is saved every `state_seconds`. A job under Slurm that requested
    `runtime` minutes stops before they are over. States, progress, locks and finished networks are below `state_root`.
    """

    state_root: Path
    device: str
    threads: int
    jobs_per_device: int
    state_seconds: float
    runtime: float

    @classmethod
    def of(cls, study: StudyPlan, threads: int, runtime: float) -> "Job":
        """Return the settings of a study's jobs."""
        jobs = study.config["jobs"]
        return cls(
            state_root=study.results.state,
            device=study.config["device"],
            threads=threads,
            jobs_per_device=jobs["gpu_jobs_per_device"],
            state_seconds=jobs["state_seconds"],
            runtime=runtime,
        )


def run_job(order: Mapping) -> None:
    """Train the network that `order` names: a mapping with log, config, split, network, code, threads and runtime.

    `code` is the expected checksum of the training code. Raises SystemExit after writing an error to the log, for
    example if the code differs, or if the base weights do not match this study.
    """
    with job_log(order["log"]):
        study, code = StudyPlan(order["config"]), order["code"]
        network = Network.parse(order["split"], order["network"])
        architecture = study.model(network.split).architecture
        check_code(code, *training_code(architecture))
        check_base(study, network, {architecture: code})
        train_or_restore(
            recipe=recipe_of(study, network, code),
            source=source_of(study.results, network),
            products=products_of(study.results, network),
            job=Job.of(study, order["threads"], order["runtime"]),
        )


def train_or_restore(recipe: Recipe, source: Source, products: Products, job: Job) -> None:
    """Train a network and write its products; resume from the checkpoint of an earlier job that was killed.

    If the network is finished with the same mark, its products are restored instead. Waits while another process trains
    the same network, or while all GPUs are in use. Raises InputError for a damaged input file, OSError for a file that
    cannot be read, TrainingError if the loss diverges, StoppedError on SIGTERM, SIGINT or before the walltime is over.
    """
    torch.set_num_threads(job.threads)
    deadline = job_deadline(job.runtime)
    mark = mark_of(recipe, source)
    split, name = recipe.network["split"], recipe.network["network"]
    states = job.state_root / split
    finished = Finished(job.state_root, split, name)
    checkpointer = Checkpointer(states / f"{name}.{mark[:16]}.pt", mark, job.state_seconds, deadline)
    with (
        file_lock(states / f"{name}.lock", "trains this network", checkpointer.check),
        Progress(states / f"{name}.progress") as progress,
    ):
        if _is_finished(finished, mark, products):
            log.info("%s is finished with this recipe, code and data: restored, not trained again", recipe.name)
        else:
            with leased_hardware(job.device, job.jobs_per_device, checkpointer.check) as device:
                _train_and_keep(recipe, source, finished.of(mark, products), device, _Watch(checkpointer, progress))
        finished.put_in_place(mark, products)
        checkpointer.remove()


def _is_finished(finished: Finished, mark: str, products: Products) -> bool:
    """Whether the network is finished already; if so, a copy of its products is kept."""
    try:
        if products.mark() == mark:  # another process trained it while this one waited
            finished.set_aside(products)
        return finished.has(mark, products)
    except InputError as error:
        log.warning("%s; it is not restored", error)
        return False


def _train_and_keep(recipe: Recipe, source: Source, kept: Products, device: torch.device, watch: "_Watch") -> None:
    """Train a network to the end, and write its products to the directory of finished networks."""
    started, began, mark = datetime.now(UTC), time.monotonic(), watch.checkpointer.mark
    watch.progress.says("reads its images")
    accuracy, tensors = train(recipe, source, mark, device, watch.checkpointer.path.parents[1] / "means", watch)
    times = provenance(mark, device, started, time.monotonic() - began, watch.images, watch.resumed_at)
    kept.accuracy.parent.mkdir(parents=True, exist_ok=True)
    if kept.weights:
        write_weights(kept.weights, tensors, recipe.name, mark)
    write_text(kept.provenance, as_text(times))
    write_text(kept.accuracy, json.dumps(accuracy, indent=1) + "\n")


class _Watch:
    """An `assembly.Watch` that saves states and reports progress.

    It records the iteration at which the job starts or resumes, and the number of images that it trains on from there.
    """

    def __init__(self, checkpointer: Checkpointer, progress: Progress):
        self.checkpointer, self.progress = checkpointer, progress
        self.saved, self.on_iteration, self.on_test = checkpointer.saved, checkpointer.on_iteration, progress.on_test
        self.resumed_at = self.images = 0

    def begins(self, trainer: Trainer) -> None:
        """Record the iteration at which training starts, and report progress from now on."""
        self.resumed_at = trainer.iteration
        self.images = (trainer.settings.iterations - self.resumed_at) * trainer.settings.batch_size
        self.progress.follow(trainer, device_name(trainer.device))
