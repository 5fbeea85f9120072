"""A study of given networks, end to end."""

import json
import shutil

import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from tests.conftest import RESULTS
from transferability.jobs.weights_files import read_weights

GIVEN = "results/given"
CONFIG = """
results_dir: results/given
splits: {random: 0, manmade_natural: false}
given: {weights: {other: other.safetensors}, repeats: 2}
network: {n: [3]}
treatments: [AnB, BnB+]
pictures: {classes: 8, train: 20, val: 10}
random_filters: false
preserved: {n: [], m: []}
reduced: {examples_per_class: []}
training: {length: 2 epochs, batch_size: 20, evaluate_every: 1 epochs}
"""
MINE = ("--configfile", "mine.yaml")
TABLE = (f"{GIVEN}/accuracy/given.csv",)
ALL = {f"given-other-{k}/{name}" for k in (0, 1) for name in ("baseB", "A3B", "B3B+", "B8B+")}
COPIES = {name for name in ALL if name.endswith("A3B")}


@pytest.fixture(scope="module")
def study(checkout):
    """The smoke study's base network, given to another study that is finished."""
    shutil.copy(checkout.root / RESULTS / "weights/random-0/baseA.safetensors", checkout.root / "other.safetensors")
    (checkout.root / "mine.yaml").write_text(CONFIG)
    run = checkout.snakemake(*MINE)
    assert f"open {GIVEN}/advice.md first" in run.stdout
    assert checkout.trained(GIVEN) == ALL
    return checkout


def test_a_study_of_given_networks_ends_in_advice_and_has_nothing_of_other_studies(study):
    results = study.root / GIVEN
    accuracies = pd.read_csv(results / "accuracy.csv")
    assert set(accuracies["split"] + "/" + accuracies["network"]) == ALL
    assert set(accuracies["classes"]) == {8} and accuracies["top1"].between(0, 1).all()
    assert accuracies.groupby(["network"])["top1"].nunique().max() == 2  # repeats have seeds of their own
    page = (results / "advice.md").read_text()
    assert page.startswith("## Advice: layers of other\n") and "![Accuracy over n](advice.png)" in page
    assert (results / "advice.pdf").stat().st_size > 5000 and (results / "advice.png").stat().st_size > 5000
    assert not list(results.glob("figure[23]*")) and not (results / "paper").exists()
    assert not list(results.glob("wordnet_nodes*")) and not list(results.glob("classes*")), "sides of no use here"
    mistakes = (results / "mistakes.md").read_text()
    assert mistakes.startswith("## Mistakes of ") and "![Photographs that it gets wrong](mistakes.png)" in mistakes
    assert study.pending(*MINE) == {}
    run = study.snakemake(f"{GIVEN}/model", *MINE, "--config", "model=A3B", check=False)
    assert run.returncode and "a built-in architecture, which only this workflow can build" in run.stdout
    log = (results / "logs/import/given-other-0.log").read_text()
    assert "15 of 15 entries of 7 layers" in log and "not copied: fc8.linear" in log


def test_first_layers_are_the_given_ones(study):
    theirs = read_weights(study.root / "other.safetensors")
    ours = read_weights(study.root / GIVEN / "weights/given-other-1/baseA.safetensors")
    assert {*theirs} - {*ours} == {"fc8.linear.weight", "fc8.linear.bias"}
    assert all((ours[name] == theirs[name]).all() for name in ours)
    copied = json.loads((study.root / GIVEN / "accuracy/given-other-0/A3B.json").read_text())
    assert (copied["source"], copied["target"], copied["treatment"], copied["n"]) == ("A", "B", "transfer", 3)


def test_what_is_done_stays_when_the_file_is_touched_or_gone(study):
    file = study.root / "other.safetensors"
    file.touch()
    study.snakemake(*TABLE, *MINE)
    assert study.trained(GIVEN) == set()
    file.rename(study.root / "away")
    assert study.pending(*TABLE, *MINE) == {}
    (study.root / GIVEN / "weights/given-other-0/baseA.safetensors").unlink()
    run = study.snakemake(*TABLE, *MINE, "--dry-run", check=False)
    wrong = "config key given.weights.other: other.safetensors is not a file; give a network's weights file"
    assert run.returncode and run.stdout.splitlines()[-1] == wrong, "one line, without Snakemake's traceback"
    (study.root / "away").rename(file)
    study.snakemake(*TABLE, *MINE)
    assert study.trained(GIVEN) == set()
    assert study.pending(*TABLE, *MINE) == {}


def test_other_weights_train_what_copies_them_and_only_that(study):
    file = study.root / "other.safetensors"
    before = file.read_bytes()
    tensors = load_file(file)
    tensors["conv1.conv.bias"] = tensors["conv1.conv.bias"] + 1
    save_file(tensors, file)
    study.snakemake(*TABLE, *MINE)
    assert study.trained(GIVEN) == COPIES
    file.write_bytes(before)
    study.snakemake(*TABLE, *MINE)
    assert study.trained(GIVEN) == set()  # as it was before


def test_more_repeats_train_only_these(study):
    more = CONFIG.replace("repeats: 2", "repeats: 3")
    (study.root / "more.yaml").write_text(more)
    study.snakemake(*TABLE, "--configfile", "more.yaml")
    assert study.trained(GIVEN) == {name.replace("-0/", "-2/") for name in ALL if "-0/" in name}


def test_of_weights_that_do_not_fit_nothing_is_copied(study):
    tensors = load_file(study.root / "other.safetensors")
    tensors["conv2.conv.weight"] = tensors["conv2.conv.weight"][:, :3]
    save_file(tensors, study.root / "bad.safetensors")
    bad = CONFIG.replace("results/given", "results/bad").replace("other.safetensors", "bad.safetensors")
    (study.root / "bad.yaml").write_text(bad)
    run = study.snakemake("results/bad/accuracy/given.csv", "--configfile", "bad.yaml", check=False)
    assert run.returncode
    assert "bad.safetensors does not fit: 1 of another shape: conv2.conv.weight" in run.stdout
    assert not list((study.root / "results/bad/accuracy").glob("*/A*"))
