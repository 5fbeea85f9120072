"""A small study on disk whose jobs can be killed, starved and fed with damaged files; and the table of what came out.

Jobs run as forked processes, each as a Slurm or Snakemake job would: train_or_restore under job_log.
"""

import gc
import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tqdm import tqdm

from tests.conftest import REPOSITORY
from transferability.common.tables import write_table
from transferability.datasets.image_files import ImageFiles
from transferability.jobs.recipe import Recipe, Source, mark_of, recipe_of
from transferability.runtime import checkpoints as state
from transferability.runtime.finished_copies import Finished, Products
from transferability.runtime.job import Job, train_or_restore
from transferability.runtime.logs import job_log
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles
from transferability.store.square import Square
from transferability.study.architectures import AS_KNOWN
from transferability.study.configuration import default_config
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.training.trainer import Trainer

TABLE = REPOSITORY / "docs" / "reliability.md"
HEADER = "| fault | how it is injected | outcome |\n| --- | --- | --- |\n"
TRAINING = default_config()["training"] | {
    "length": "60 iterations",
    "evaluate_every": "10 iterations",
    "batch_size": 16,
    "learning_rate": 0.01,
    "horizontal_flip": True,
}
CLASSES = ["n01440764", "n02084071", "n03250847"]
fork = multiprocessing.get_context("fork")


class Study:
    """Files of a study below `root`, and its jobs: baseA and A3B+ on a split of three classes."""

    def __init__(self, root: Path, architecture: str = "caffenet-mini", **training):
        self.root, self.architecture, self.training = root, architecture, TRAINING | training

    def make_inputs(self) -> None:
        """Write images, index, store and manifest."""
        rng = np.random.default_rng(0)
        rows = [(f"{wnid}_{k}.png", wnid, "train" if k < 24 else "val") for wnid in CLASSES for k in range(32)]
        index = pd.DataFrame(rows, columns=["path", "wnid", "subset"]).sort_values("path")
        for path, wnid, _ in rows:
            pixels = rng.integers(0, 100, (36, 36, 3), dtype=np.uint8)
            pixels[6 * CLASSES.index(wnid) :][:6, 8:20] += 120
            Image.fromarray(pixels).save(self.root / path)
        write_table(index, self.root / "index.csv")
        manifest = pd.DataFrame({"label": range(3), "wnid": CLASSES, "name": CLASSES})
        write_table(manifest, self.root / "manifest.csv")
        where = StoreFiles(*(self.root / name for name in ("index.csv", "store.npy", "store.crc32.npy", "store.json")))
        images = ImageFiles("imagefolder", self.root, index["path"].tolist())
        pack(images, where, Square(36), processes=1, code="code", notes=self.root / "pack.jsonl")

    def source(self, name: str) -> Source:
        files = [self.root / f for f in ("index.csv", "store.npy", "store.crc32.npy", "store.json", "manifest.csv")]
        return Source(*files, weights=None if name == "baseA" else self.root / "baseA.safetensors")

    def products(self, name: str) -> Products:
        weights = self.root / f"{name}.safetensors" if name == "baseA" else None
        return Products(self.root / f"{name}.json", self.root / f"{name}.provenance.json", weights)

    def results(self, name: str) -> list[bytes]:
        """The bytes that have to be the same whatever happened."""
        products = self.products(name)
        return [path.read_bytes() for path in (products.accuracy, products.weights) if path]

    def copy(self, root: Path) -> "Study":
        """Return a study with copies of this one's inputs, and of baseA's weights."""
        made = ("A3B+", "baseA.json", "baseA.provenance")
        for file in self.root.glob("*"):
            if file.is_file() and file.suffix != ".log" and not file.name.startswith(made):
                (root / file.name).write_bytes(file.read_bytes())
        return Study(root, self.architecture, **self.training)

    def delete(self, name: str) -> None:
        """Delete what a network left, as Snakemake does before it starts a job."""
        for path in vars(self.products(name)).values():
            if path:
                path.unlink(missing_ok=True)

    def forget(self, name: str) -> None:
        """Let a network be trained again, as a person does who deletes its files once the study has taken them."""
        Finished(self.root / "state", "random-0", name).settle(self.products(name))
        self.delete(name)

    def kept(self, name: str) -> Products:
        """Where a network is kept that is finished."""
        return Finished(self.root / "state", "random-0", name).of(self.mark(name), self.products(name))

    def mark(self, name: str, **training) -> str:
        """The mark of a network with these settings."""
        return mark_of(self.recipe(name, **training), self.source(name))

    def recipe(self, name: str, **training) -> Recipe:
        network = Network.parse("random-0", name)
        part = {"architecture": self.architecture, "pixels": AS_KNOWN, "n": [1]}
        images = {"image_size": 36, "fit": "stretch", "orientation": "ignore", "scale": "auto", "folds": None}
        config = {"network": part, "dataset": images, "training": self.training | training, "seed": 0}
        return recipe_of(StudyPlan(config), network, code="code")

    def log(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text()

    def start(self, name: str, before: Callable = lambda: None, state_seconds: float = 0.0, **training):
        """Start a job in a process of its own; `before` runs in it first."""

        def job() -> None:
            gc.freeze()  # a collection of garbage would copy all memory that is shared with pytest
            state.LARGEST_SHARE = 1e9  # save after every iteration, however long that takes
            for progress_bar in (tqdm, torch.hub.tqdm):  # pytest's lock may be held by a job that was killed
                progress_bar.set_lock(threading.RLock())
            before()
            with job_log(str(self.root / f"{name}.log")):
                limits = Job(self.root / "state", "cpu", 1, 1, state_seconds, runtime=60)
                train_or_restore(self.recipe(name, **training), self.source(name), self.products(name), limits)

        process = fork.Process(target=job)
        process.start()
        return process

    def run(self, name: str, state_seconds: float = 3600.0, **options) -> int:
        """Run a job to its end, as a rule without saving its state, which takes half the time; return its exit code."""
        process = self.start(name, state_seconds=state_seconds, **options)
        process.join(300)
        assert process.exitcode is not None, "the job hangs"
        return process.exitcode

    def train_under_kills(self, kills: int, ends: int, undisturbed: "Study") -> None:
        """Train baseA and A3B+ over and over, each under kill -9 at random moments, until so many kills have hit.

        And until so many trainings have come to their end: on a busy machine that takes more kills. Every kill hits a
        living process, in whatever it does. Results are compared with those of a study without.
        """
        rng, killed, completed = random.Random(0), 0, 0
        while killed < kills or completed < ends:
            name = rng.choice(["baseA", "A3B+"])
            self.forget(name) if name == "A3B+" else None
            for attempt in itertools.count():
                process = self.start(name)
                process.join(rng.uniform(0, 0.6) * 1.2**attempt)  # a machine that is busy needs longer
                if process.exitcode is None:
                    process.kill()
                    killed += 1
                process.join()
                if process.exitcode == 0:
                    break
                assert process.exitcode == -signal.SIGKILL, self.log(name)
            assert self.results(name) == undisturbed.results(name)
            completed += 1
            if name == "baseA":
                self.forget(name)
                self.products(name).weights.write_bytes(undisturbed.products(name).weights.read_bytes())

    def wait_for_state(self, name: str, suffix: str = "") -> Path:
        """Wait until a running job has saved its state; return the path, which a `suffix` is added to."""
        deadline = time.monotonic() + 60
        while not (found := self.states(name, suffix)):
            assert time.monotonic() < deadline, f"no state: {self.log(name)}"
            time.sleep(0.002)
        return found[0]

    def states(self, name: str, suffix: str = "") -> list[Path]:
        """The saved states of a network, one for each mark."""
        return sorted((self.root / "state" / "random-0").glob(f"{name}.*.pt{suffix}"))


def slowed() -> None:
    """What a job can do `before`: wait in each iteration, so that it is still training when a fault hits it."""
    step = Trainer._step
    Trainer._step = lambda trainer, *batch: (time.sleep(0.1), step(trainer, *batch))[1]


def held(goes_on: Callable[[], bool] = lambda: False, at: int = 2) -> Callable[[], None]:
    """What a job can do `before`: stand still after so many iterations until it may go on, or is killed.

    So it is not finished when a fault hits it, however fast or busy the machine is.
    """

    def hold() -> None:
        step, done = Trainer._step, itertools.count()

        def stand(trainer, *batch):
            if next(done) == at:
                while not goes_on():
                    time.sleep(0.01)
            return step(trainer, *batch)

        Trainer._step = stand

    return hold


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Study:
    """A study that ran without faults."""
    study = Study(tmp_path_factory.mktemp("undisturbed"))
    study.make_inputs()
    for name in ("baseA", "A3B+"):
        assert study.run(name) == 0, study.log(name)
    return study


@pytest.fixture
def study(undisturbed, tmp_path) -> Study:
    """A copy of its inputs, and of baseA's weights."""
    return undisturbed.copy(tmp_path)


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory; skips where none can be mounted."""
    directory.mkdir(exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    if os.getuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@pytest.fixture(scope="session")
def table(request) -> Iterator[list[tuple[str, str, str]]]:
    """Rows of faults and outcomes; at the end they are in docs/reliability.md, which --write-docs writes."""
    rows: list[tuple[str, str, str]] = []
    yield rows
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    if request.config.getoption("--write-docs"):
        before = TABLE.read_text(encoding="utf-8").partition(HEADER)[0]
        TABLE.write_text(before + HEADER + "".join(lines), encoding="utf-8")
    missing = [line for line in lines if line not in TABLE.read_text()]
    assert not missing, f"docs/reliability.md lacks (pytest tests/faults --write-docs): {missing}"
