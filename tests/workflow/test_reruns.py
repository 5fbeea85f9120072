"""What is trained again, and what is not: files deleted, damaged, copied, forced, in a study of six networks."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import FIGURE, RESULTS, SMOKE, SPLITS, Checkout, accuracies, made_once

FEW = (
    *SMOKE,
    "--config",
    "network={n: [3]}",
    "treatments=[AnB+]",
    "splits={manmade_natural: false}",
    "preserved={n: [], m: []}",
    "random_filters=false",
    "reduced={examples_per_class: []}",
)
OF_TIMES = {"provenance": 1, "costs": 1, "advice": 1, "all": 1}  # what is made from the times of trainings


@pytest.fixture(scope="session")
def finished_few(finished_study, tmp_path_factory):
    """A checkout with that study finished in it: to copy, not to change. It is a part of the smoke study."""
    return made_once(tmp_path_factory, "finished-few", *FEW, original=finished_study)


@pytest.fixture
def checkout(finished_few, tmp_path):
    """A finished study for each test, to change."""
    return Checkout(tmp_path / "checkout", finished_few, forked=True)


def trainings(pending: dict[str, int]) -> dict[str, int]:
    """Those of pending jobs that train."""
    return {rule: count for rule, count in pending.items() if rule.startswith("train_")}


def test_deleting_one_accuracy_reruns_one_network_to_the_same_bytes(checkout):
    file = accuracies(checkout) / "A3B+.json"
    before = file.read_bytes()
    file.unlink()
    assert checkout.pending(FIGURE, *FEW) == {"train_transfer": 1, "collect": 1, "figure2": 1}
    (accuracies(checkout).parent / "random-splits.csv").unlink()
    assert checkout.pending(FIGURE, *FEW) == {"train_transfer": 1, "collect": 1, "figure2": 1}
    checkout.snakemake(FIGURE, *FEW)
    assert file.read_bytes() == before
    assert checkout.pending(*FEW) == OF_TIMES  # the bytes of all accuracies are the same
    checkout.snakemake(*FEW)
    assert checkout.pending(*FEW) == {}


def test_deleting_base_weights_reruns_that_base_and_its_copies(checkout):
    file = checkout.root / RESULTS / "weights" / "random-0" / "baseA.safetensors"
    kept = file.read_bytes()
    file.unlink()
    expected = {"train_base": 1, "train_transfer": 2, "collect": 1, "figure2": 1}
    checkout.trained(RESULTS)
    assert checkout.pending(FIGURE, *FEW) == expected
    checkout.snakemake(str(file.relative_to(checkout.root)), *FEW)
    assert checkout.trained(RESULTS) == {"random-0/baseA"}
    assert file.read_bytes() == kept
    assert checkout.pending(*FEW) == OF_TIMES


def repair(path: Path) -> None:
    """Damage a file, and delete it as the error says that names it."""
    path.write_bytes(path.read_bytes()[:-1])
    path.unlink()


REPAIRS = {
    "index.csv touched": (Path.touch, set()),
    "splits/random-0/A.csv": (repair, set()),
    "index.csv": (repair, set()),
    "weights/random-0/baseA.safetensors": (repair, {"random-0/baseA"}),
    "accuracy/random-0/A3B+.json": (repair, {"random-0/A3B+"}),
    "provenance/random-0/A3B+.json": (repair, set()),
}


@pytest.mark.parametrize("file", REPAIRS)
def test_a_repair_trains_only_what_it_asks_for(checkout, file):
    """Whatever jobs Snakemake's clock starts then, they find what they would train.

    One network is asked for besides: without, Snakemake does not miss what lies between files that are there.
    """
    results = checkout.root / RESULTS
    before = contents(results)
    checkout.trained(RESULTS)
    edit, asked = REPAIRS[file]
    edit(results / file.removesuffix(" touched"))
    (accuracies(checkout) / "B3A+.json").unlink()
    checkout.snakemake(SPLITS, *([f"{RESULTS}/provenance.csv"] if "provenance" in file else []), *FEW)
    assert checkout.trained(RESULTS) == asked | {"random-0/B3A+"}
    assert contents(results) == before
    assert trainings(checkout.pending(*FEW)) == {}


def test_after_a_repair_of_the_store_all_is_made_and_nothing_is_pending(checkout):
    before = contents(checkout.root / RESULTS)
    checkout.trained(RESULTS)
    repair(checkout.root / RESULTS / "store.npy")
    (accuracies(checkout) / "B3A+.json").unlink()
    checkout.snakemake(*FEW)
    assert checkout.trained(RESULTS) == {"random-0/B3A+"}
    assert contents(checkout.root / RESULTS) == before
    assert checkout.pending(*FEW) == {}


def contents(results: Path) -> dict[str, bytes]:
    """The bytes of all accuracy files and weights."""
    files = [*results.glob("accuracy/*/*.json"), *results.glob("weights/*/*")]
    return {str(file.relative_to(results)): file.read_bytes() for file in files}


def test_a_copy_of_the_results_trains_nothing(checkout):
    """cp -r gives every file another time."""
    before = contents(checkout.root / RESULTS)
    copy = checkout.root / "results" / "copy"
    subprocess.run(["cp", "-r", checkout.root / RESULTS, copy], check=True)
    for file in copy.rglob("*"):
        seconds = random.Random(file.name).uniform(-1e6, 0) + time.time()
        os.utime(file, (seconds, seconds))
    checkout.snakemake("results/copy/accuracy.csv", *FEW, "results_dir=results/copy")
    assert checkout.trained("results/copy") == set()
    assert contents(copy) == before


def test_a_configuration_changed_and_changed_back_trains_nothing_again(checkout):
    before = contents(checkout.root / RESULTS)
    checkout.trained(RESULTS)
    target = f"{RESULTS}/accuracy/random-0/A3B+.json"
    checkout.snakemake(target, *FEW, "training={learning_rate: 0.005}")
    assert checkout.trained(RESULTS) == {"random-0/baseA", "random-0/A3B+"}
    assert contents(checkout.root / RESULTS) != before
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == set()
    assert contents(checkout.root / RESULTS) == before


BASES = {"random-0/baseA", "random-0/baseB"}


@pytest.mark.parametrize(
    ("targets", "force", "asked"),
    [
        ([], ["-f", f"{RESULTS}/accuracy/random-0/A3B+.json"], {"random-0/A3B+"}),
        ([SPLITS], ["-R", "train_base"], BASES),
        ([], ["-F", f"{RESULTS}/accuracy/random-0/A3B+.json"], {"random-0/baseA", "random-0/A3B+"}),
        ([SPLITS], ["--forcerun", f"{RESULTS}/accuracy/random-0/A3B+.json"], {"random-0/A3B+"}),
    ],
    ids=["-f", "-R", "-F", "--forcerun"],
)
def test_what_a_person_forces_is_trained(checkout, targets, force, asked):
    before = contents(checkout.root / RESULTS)
    checkout.trained(RESULTS)
    checkout.snakemake(*targets, *FEW, *force)
    assert checkout.trained(RESULTS) == asked
    assert contents(checkout.root / RESULTS) == before
    assert trainings(checkout.pending(*FEW)) == {}


def test_what_snakemake_deletes_before_a_job_that_fails_is_not_lost(checkout):
    """The store is packed anew, and the jobs fail that would put networks back; the next run still finds them."""
    results = checkout.root / RESULTS
    before = contents(results)
    checkout.trained(RESULTS)
    (results / "store.npy").unlink()
    target = results / "accuracy" / "random-0" / "B3A+.json"
    target.unlink()
    runs = checkout.root / "workflow" / "transferability" / "runtime" / "job.py"
    original = runs.read_text()
    try:
        runs.write_text(
            original.replace("        check_code(", "        raise InputError('on purpose')\n        check_code(", 1)
        )
        run = checkout.snakemake(str(target.relative_to(checkout.root)), *FEW, check=False)
    finally:
        runs.write_text(original)
    assert "failed: random-0/baseB: on purpose (log: results/smoke/logs/train/random-0/baseB.log)" in run.stdout
    gone = before.keys() - contents(results).keys()
    assert gone == {"accuracy/random-0/B3A+.json", "accuracy/random-0/baseB.json", "weights/random-0/baseB.safetensors"}
    checkout.snakemake(SPLITS, *FEW)
    assert checkout.trained(RESULTS) == {"random-0/B3A+"}
    assert contents(results) == before
    assert trainings(checkout.pending(*FEW)) == {}
