"""Fixtures: small image sets, tasks and a real study, all made on the spot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from transferability.tasks.task import Examples, Task

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"

torch.set_num_threads(1)


def pytest_addoption(parser):
    parser.addoption(
        "--write-docs",
        action="store_true",
        help="write again what tests compare with: config/config.yaml and the tables in config/README.md "
        "(tests/test_config.py), docs/reliability.md (tests/faults)",
    )
    parser.addoption("--kills", type=int, default=3, help="how often snakemake or its fork server is killed (3)")


def make_examples(count: int, classes: int, size: int, seed: int) -> Examples:
    """Images that a network can tell apart: each class has its own bright patch."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    store = generator.integers(0, 100, (count, size, size, 3), dtype=np.uint8)
    for image, label in zip(store, labels, strict=True):
        image[4 * label : 4 * label + 6, 8:20] += 120
    return Examples(store, np.arange(count), labels)


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


class Checkout:
    """A copy of the repository in which snakemake runs, apart from the one under test."""

    def __init__(self, root: Path):
        self.root = root
        anywhere = shutil.ignore_patterns("__pycache__", "*_cache")
        here = shutil.ignore_patterns("results", ".git", ".venv*", ".snakemake", "tests", "__pycache__", "*_cache")
        shutil.copytree(
            REPOSITORY,
            root,
            ignore=lambda folder, names: (here if folder == str(REPOSITORY) else anywhere)(folder, names),
        )

    def snakemake(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        """Run snakemake here, with the library of this copy; `check` raises for an exit code other than 0."""
        run = subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments, "--cores", "2"],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root / "workflow")} | environment,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
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
        """Start snakemake here, with the library of this copy and more environment, and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments, "--cores", "2"],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root / "workflow")} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def pending(self, *arguments: str) -> dict[str, int]:
        """The jobs that a dry run announces, by rule; `total` left out."""
        lines = self.snakemake(*arguments, "--dry-run", "--quiet", "rules").stdout.splitlines()
        if not any(line.startswith("Job stats") for line in lines):
            return {}
        start = next(k for k, line in enumerate(lines) if line.startswith("---"))
        rows = (line.split() for line in lines[start + 1 : lines.index("", start)])
        return {rule: int(count) for rule, count in rows if rule != "total"}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory) -> Checkout:
    """A copy of the repository with the smoke study finished in it."""
    copy = Checkout(tmp_path_factory.mktemp("study") / "checkout")
    copy.snakemake("--configfile", "config/smoke.yaml")
    copy.trained("results/smoke")
    return copy
