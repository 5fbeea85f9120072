"""Image sets as people have them, from one key to Figure 2; and two studies that share a store."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Checkout

pytestmark = pytest.mark.slow

# A training so short that a test can wait for it; the image set has one key of its own.
SHORT = """
splits: {random: 1}
network: {n: [3]}
treatments: [AnB]
training: {length: 20 iterations, evaluate_every: 10 iterations, batch_size: 16}
"""
CIFAR_10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
BASE = "accuracy/random-0/baseB.json"


@pytest.fixture
def copy(tmp_path) -> Checkout:
    """A copy of the repository in which nothing has run."""
    copy = Checkout(tmp_path / "copy")
    (copy.root / "short.yaml").write_text(SHORT)
    return copy


def photographs(folder, classes, count) -> None:
    """Write wide JPEGs that a network can tell apart, most of them by a camera on its side."""
    generator = np.random.default_rng(0)
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 100, (32, 48, 3), dtype=np.uint8)
            pixels[3 * label : 3 * label + 3] += 120
            image = Image.fromarray(pixels)
            exif = image.getexif()
            exif[0x0112] = 6 if number else 1
            image.save(folder / name / f"{number:04d}.jpg", quality=95, exif=exif)


def study(copy, dataset: str, results: str = "results", target: str = BASE) -> dict:
    """Do the study of a dataset's keys up to a target; return what the accuracy file of B's base network holds."""
    given = [f"dataset={dataset}", f"results_dir={results}"]
    copy.snakemake(f"{results}/{target}", "--configfile", "short.yaml", "--config", *given)
    made = (copy.root / results / target).read_bytes()
    assert made.startswith(b"%PDF" if target.endswith(".pdf") else b"{")
    return json.loads((copy.root / results / BASE).read_text())


def test_a_tree_like_cifar_10_needs_its_root_and_nothing_else(copy):
    photographs(copy.root / "cifar10" / "train", CIFAR_10, 12)
    photographs(copy.root / "cifar10" / "test", CIFAR_10, 4)
    base = study(copy, "{root: cifar10}", target="figure2.pdf")
    assert (base["classes"], base["train_images"], base["val_images"]) == (5, 60, 20)
    assert set(base["by_class"]) < set(CIFAR_10)
    described = json.loads((copy.root / "results" / "store.json").read_text())
    assert (described["fit"], described["orientation"]) == ("center-crop", "apply")
    log = (copy.root / "results" / "logs" / "index.log").read_text()
    assert "training images are those in cifar10/train, validation images those in cifar10/test" in log


def test_studies_of_a_plain_root_and_of_its_table_hold_the_same_out(copy):
    """So they have the same accuracies."""
    photographs(copy.root / "mine", CIFAR_10[:6], 10)
    files = sorted((copy.root / "mine").glob("*/*.jpg"))
    rows = "".join(f"{file.parent.name}/{file.name},{file.parent.name}\n" for file in files)
    (copy.root / "mine" / "list.csv").write_text("path,label\n" + rows)
    plain = study(copy, "{root: mine, validation: 0.2}", "results/plain")
    table = study(copy, "{root: mine/list.csv, validation: 0.2}", "results/table")
    assert (plain["train_images"], plain["val_images"]) == (24, 6)
    assert plain == table


def test_two_studies_share_a_store_and_neither_trains_again(copy):
    photographs(copy.root / "mine", CIFAR_10[:4], 10)
    dataset = "{root: mine, validation: 0.2, store: shelf}"
    study(copy, dataset, "results/one")
    copy.trained("results/one")
    study(copy, dataset, "results/two")
    assert copy.trained("results/two")
    assert "found the store at shelf/" in (copy.root / "results/two/logs/pack.log").read_text()
    assert (copy.root / "results/one/store.npy").samefile(copy.root / "results/two/store.npy")
    options = ["--configfile", "short.yaml", "--config", f"dataset={dataset}"]
    for results in ("results/one", "results/two"):
        assert copy.pending(f"{results}/{BASE}", *options, f"results_dir={results}") == {}
