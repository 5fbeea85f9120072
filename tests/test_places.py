"""Studies in places that are not as ours: other locales, and paths with letters that mean something to a program."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from .conftest import REPOSITORY, Checkout

CLASSES = ["Birnen", "Äpfel", "Ω", "日本"]
SMOKE = ("--configfile", "config/smoke.yaml", "--config", "splits={manmade_natural: false}")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """An image folder whose classes and files have letters beyond ASCII."""
    root = tmp_path_factory.mktemp("letters") / "images"
    generator = np.random.default_rng(0)
    for subset, count in (("train", 6), ("val", 2)):
        for name in CLASSES:
            (root / subset / name).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (40, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / subset / name / f"ü{number}.png")
    return root


@pytest.fixture(scope="module", params=["C", "en_US.ISO-8859-1"])
def locale(request, tmp_path_factory) -> dict[str, str]:
    """The environment of a locale that is not UTF-8."""
    environment = {"LC_ALL": request.param, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    if request.param == "C":
        return environment
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("no localedef here to make a locale with")
    made = subprocess.run(["localedef", "-i", "en_US", "-f", "ISO-8859-1", folder / request.param], capture_output=True)
    if made.returncode:
        pytest.skip(f"no locale of ISO-8859-1 can be made: {made.stderr.decode()}")
    return environment | {"LOCPATH": str(folder)}


def test_text_is_utf8_in_every_locale(checkout, images, locale):
    results = f"results/{locale['LC_ALL']}"
    settings = (*SMOKE, f"dataset={{layout: imagefolder, root: {images}}}", f"results_dir={results}")
    target = f"{results}/accuracy/random-0/B3A.json"
    checkout.snakemake(target, f"{results}/classes.csv", *settings, **locale)
    index = pd.read_csv(checkout.root / results / "index.csv")
    assert set(index["wnid"]) == set(CLASSES)
    assert index["path"][0] == "train/Birnen/ü0.png"
    by_class = json.loads((checkout.root / target).read_text(encoding="utf-8"))["by_class"]
    assert set(by_class) < set(CLASSES)
    assert "日本" in (checkout.root / results / "classes.md").read_text(encoding="utf-8")
    status = [sys.executable, "-c", "from transferability.status import main; main()", results]
    run = subprocess.run(status, cwd=checkout.root, env=os.environ | locale, capture_output=True)
    assert run.returncode == 0 and b"base" in run.stdout


def test_letters_that_the_locale_hides_from_snakemake_are_one_error(checkout, images, locale):
    settings = (*SMOKE, f"dataset={{layout: imagefolder, root: {images}/Äpfel}}")
    run = checkout.snakemake("-n", *settings, check=False, **locale)
    assert run.returncode != 0
    assert "export PYTHONUTF8=1 and run again" in run.stdout


@pytest.mark.slow
def test_spaces_and_braces_in_paths(tmp_path, images):
    checkout = Checkout(tmp_path / "my study")
    place = tmp_path / "my images {b} 'c'"
    place.symlink_to(images)
    target = "results/smoke/accuracy/random-0/baseA.json"
    (checkout.root / "mine.yaml").write_text(f'dataset: {{layout: imagefolder, root: "{place}"}}', encoding="utf-8")
    files = ("--configfile", "config/smoke.yaml", "mine.yaml", "--config", "splits={manmade_natural: false}")
    checkout.snakemake(target, *files)
    assert json.loads((checkout.root / target).read_text(encoding="utf-8"))["train_images"] == 12


@pytest.mark.slow
def test_a_checkout_in_a_path_with_braces_is_one_error(tmp_path):
    run = Checkout(tmp_path / "{my}").snakemake("-n", "--configfile", "config/smoke.yaml", check=False)
    assert run.returncode != 0
    assert "snakemake takes braces in the path of a checkout for wildcards" in run.stdout


def test_a_python_in_a_path_with_spaces_is_one_error(checkout, tmp_path):
    """Snakemake does not quote it: every job would fail."""
    (tmp_path / "my env").symlink_to(Path(sys.executable).parents[1])
    python = tmp_path / "my env" / "bin" / Path(sys.executable).name
    command = [python, "-m", "snakemake", "-n", "--configfile", "config/smoke.yaml"]
    environment = os.environ | {"PYTHONPATH": str(checkout.root / "workflow")}
    run = subprocess.run(command, cwd=checkout.root, env=environment, capture_output=True, text=True)
    assert run.returncode != 0
    assert "snakemake cannot run jobs with a Python in a path with spaces" in run.stdout


def test_make_in_a_path_with_spaces_is_one_error(tmp_path):
    (tmp_path / "my study").mkdir()
    make = ["make", "-n", "-f", str(REPOSITORY / "Makefile"), "figure2"]
    run = subprocess.run(make, cwd=tmp_path / "my study", capture_output=True, text=True)
    assert run.returncode != 0
    assert "snakemake cannot run jobs from a path with spaces: move this checkout" in run.stderr
