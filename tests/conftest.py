"""Fixtures: small image sets, tasks and a real study, all made on the spot."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from tests import warm
from transferability.study.configuration import default_config
from transferability.study.training_settings import Settings, read_settings
from transferability.tasks.task import Examples, Task

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

# The smoke study, as tests of the workflow call it.
SMOKE = ("--configfile", "config/smoke.yaml")
RESULTS = "results/smoke"
FIGURE = f"{RESULTS}/figure2.pdf"
# Made from all networks, and from those of random splits; without figures they take a third of the time.
NETWORKS, SPLITS = f"{RESULTS}/accuracy.csv", f"{RESULTS}/accuracy/random-splits.csv"

SLOW = ["slurm", "workflow", "faults", "libraries"]  # folders, in the order in which they run: long ones first

torch.set_num_threads(1)


def pytest_addoption(parser):
    parser.addoption(
        "--write-docs",
        action="store_true",
        help="write again what tests compare with: config/config.yaml and the tables in config/README.md "
        "(tests/unit/study/test_config.py), docs/architectures.md (tests/libraries/test_catalogue.py), "
        "docs/reliability.md (tests/faults)",
    )
    parser.addoption(
        "--all-rows",
        action="store_true",
        help="make every row of resources/architectures.csv again, and cut models of all families into layers",
    )
    parser.addoption("--kills", type=int, default=4, help="how often snakemake or what it has started is killed (4)")


def pytest_collection_modifyitems(items):
    """Tests in the folders SLOW are slow, tests of a study that Snakemake made, and those that say so themselves.

    `make quick` leaves them out. The folders run first, so that the processes of `make test`, each of which takes a
    file at a time, end together.
    """
    for item in items:
        if _folder(item) in SLOW or "finished_study" in item.fixturenames:
            item.add_marker("slow")
    items.sort(key=lambda item: SLOW.index(_folder(item)) if _folder(item) in SLOW else len(SLOW))


def _folder(item) -> str:
    return item.path.relative_to(REPOSITORY / "tests").parts[0]


def pytest_collection_finish():
    """What is there now stays: garbage is not looked for in it again and again, nor in jobs that tests fork."""
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(autouse=True)
def _signals_are_blocked_as_before():
    """A job's log that a test opens here blocks SIGINT for a moment longer than the test."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def settings_of(**changes) -> Settings:
    """The settings of a training: the defaults, with epochs of 100 iterations, and changes."""
    training = default_config()["training"]
    return replace(read_settings(training, 100 * training["batch_size"]), **changes)


def make_examples(count: int, classes: int, size: int, seed: int) -> Examples:
    """Images that a network can tell apart: each class has its own bright patch."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    store = generator.integers(0, 100, (count, size, size, 3), dtype=np.uint8)
    for image, label in zip(store, labels, strict=True):
        image[4 * label : 4 * label + 6, 8:20] += 120
    return Examples(store, np.arange(count), labels)


def accuracies(checkout):
    return checkout.root / RESULTS / "accuracy" / "random-0"


@pytest.fixture(scope="session")
def task() -> Task:
    """Four classes, 96 training and 40 validation images of 36x36."""
    return Task(make_examples(96, 4, 36, seed=0), make_examples(40, 4, 36, seed=1), classes=4)


@pytest.fixture
def image_tree(tmp_path) -> Path:
    """An image folder with three classes, four training and two validation JPEGs each."""
    generator = np.random.default_rng(0)
    for subset, count in (("train", 4), ("val", 2)):
        for wnid in ("n01440764", "n02084071", "n03250847"):
            folder = tmp_path / "images" / subset / wnid
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (40, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{wnid}_{number}.JPEG")
    return tmp_path / "images"


def ignored(folder: str, names: list[str]) -> set[str]:
    """What of the repository is not in a checkout to test; the library has a package that is called results, too."""
    patterns = ["*_cache"]  # what Python has compiled goes along
    if folder == str(REPOSITORY):
        patterns += ["results", ".git", ".venv*", ".snakemake*", "tests"]
    return shutil.ignore_patterns(*patterns)(folder, names)


class Checkout:
    """A copy of the repository, or of an `original` checkout, in which snakemake runs.

    With `forked`, all snakemakes are forked, not only those that run no job (`snakemake`).
    """

    def __init__(self, root: Path, original: Path | None = None, forked: bool = False):
        self.root, self._forked = root, forked
        if original is not None:
            subprocess.run(["cp", "-a", original, root], check=True)
        else:
            shutil.copytree(REPOSITORY, root, ignore=ignored)

    @property
    def library(self) -> Path:
        """Where snakemake finds the library: in this copy."""
        return self.root / "workflow"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment in which snakemake finds the library here, and more."""
        return os.environ | {"PYTHONPATH": str(self.library)} | more

    def snakemake(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        """Run snakemake here, with more environment; `check` raises for an exit code other than 0.

        What runs no job is forked (tests/warm.py), if it needs no other environment; elsewhere, but in checkouts that
        say so, it is the program that users run.
        """
        command, given = [*arguments, "--cores", "2"], self.environment(**environment)
        runs_no_job = {"-n", "--dry-run", "--touch", "--unlock"} & {*arguments}
        if (runs_no_job or self._forked) and not environment:
            run = warm.python("-m", "snakemake", *command, cwd=self.root, environment=given)
        else:
            both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
            command = [SNAKEMAKE, *command]
            run = subprocess.run(command, cwd=self.root, env=given, encoding="utf-8", errors="replace", **both)
        assert not check or run.returncode == 0, run.stdout[-4000:]
        return run

    def trained(self, results: str) -> set[str]:
        """The networks ("random-0/A3B+") that were trained, rather than put back, since the last call."""
        found = set()
        for log in (self.root / results / "logs" / "train").glob("*/*.log"):
            if "training, " in log.read_text(encoding="utf-8"):
                found.add(f"{log.parent.name}/{log.stem}")
            log.write_text("", encoding="utf-8")
        return found

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """Start snakemake here, with more environment, and do not wait for it."""
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [SNAKEMAKE, *arguments, "--cores", "2"]
        return subprocess.Popen(command, cwd=self.root, env=self.environment(**environment), **nowhere)

    def pending(self, *arguments: str) -> dict[str, int]:
        """The jobs that a dry run announces, by rule; `total` left out."""
        lines = self.snakemake(*arguments, "--dry-run", "--quiet", "rules").stdout.splitlines()
        if not any(line.startswith("Job stats") for line in lines):
            return {}
        start = next(k for k, line in enumerate(lines) if line.startswith("---"))
        rows = (line.split() for line in lines[start + 1 : lines.index("", start)])
        return {rule: int(count) for rule, count in rows if rule != "total"}


def made_once(tmp_path_factory, name: str, *arguments: str, original: Path | None = None) -> Path:
    """Make a checkout in which snakemake ran with these arguments, once for all processes of pytest.

    It begins as a copy of the repository, or of an `original` checkout.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            study = Checkout(shared / f"un{name}", original)
            study.snakemake(*arguments)
            study.trained(RESULTS)
            study.root.rename(shared / name)
    return shared / name


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory) -> Path:
    """A checkout with the smoke study finished in it: to copy, not to change."""
    return made_once(tmp_path_factory, "finished-study", *SMOKE)


@pytest.fixture(scope="session")
def checkout(finished_study, tmp_path_factory) -> Checkout:
    """A copy of the repository with the smoke study finished in it."""
    return Checkout(tmp_path_factory.mktemp("study") / "checkout", finished_study)
