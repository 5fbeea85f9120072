import json
import re

import pandas as pd
import pytest
import torch
import yaml
from snakemake.utils import update_config

from tests.conftest import REPOSITORY
from transferability.planning.costs import Speed, disk_needs, estimate_seconds, slowdown, workload
from transferability.planning.plan import by_treatment, how_long
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan


@pytest.fixture
def imagenet() -> StudyPlan:
    config = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load((REPOSITORY / "config" / "imagenet.yaml").read_text()))
    return StudyPlan(config)


def test_the_papers_study_has_as_many_images_as_its_schedule_says(imagenet):
    networks = imagenet.networks
    assert len(networks) == 5 * 60 + 1 + 7 + 12
    counts = pd.DataFrame({"train": [1300] * 1000, "val": [50] * 1000})
    tasks = {(n.split, n.target): counts if n.target == "all" else counts[:500] for n in networks}
    work = workload(imagenet, tasks).set_index("network")
    assert work.loc[Network("random-0", "A", "B", 3), "trained"] == 450_000 * 256
    assert work.loc[Network("random-0", "A", "B", 3), "tested"] == 450 * 25_000
    reduced = Network("whole", "all", "all", examples=10)
    assert work.loc[reduced, "trained"] == 200_000 * 256
    assert work.loc[reduced, "tested"] == 200 * 50_000


def test_seconds_follow_from_images_and_speeds(imagenet):
    work = pd.DataFrame(
        [(Network("random-0", "A", "B", 3), 1000, 100), (Network("random-0", "B", "B"), 1000, 100)],
        columns=["network", "trained", "tested"],
    )
    seconds = estimate_seconds(imagenet, work, {("caffenet", 0): Speed(10, 100), ("caffenet", 3): Speed(50, 100)})
    assert seconds.tolist() == [21, 101]


def test_a_network_that_resumed_at_its_end_tells_nothing_of_speed(tmp_path):
    """Stopped in its last test, it trained no image more: 0 images/s."""
    networks = [Network("random-0", "A", "B", 3), Network("random-0", "B", "B")]
    work = pd.DataFrame([(network, 1000, 100) for network in networks], columns=["network", "trained", "tested"])
    (tmp_path / "provenance" / "random-0").mkdir(parents=True)
    for network, per_s in zip(networks, (0.0, 50.0), strict=True):
        file = tmp_path / "provenance" / "random-0" / f"{network.name}.json"
        file.write_text(json.dumps({"images_per_s": per_s, "device": "cpu"}))
    assert slowdown(work, pd.Series([10.0, 10.0]), Results(tmp_path)) == (2.0, 1, ["cpu"])


def test_what_is_left_is_summed_up_by_treatment():
    rows = [
        ("base", "done", 1.0, 100, 3600),
        ("base", "running", 0.25, 100, 3600),
        ("transfer", "waiting", 0, 200, 7200),
    ]
    table = pd.DataFrame(rows, columns=["treatment", "state", "share", "images", "seconds"])
    plan = by_treatment(table).set_index("treatment")
    assert plan.loc["base", ["networks", "done", "running", "waiting"]].tolist() == [2, 1, 1, 0]
    assert plan["hours left"].tolist() == [0.75, 2, 2.75]
    assert plan.loc["all", "million images left"] == pytest.approx(275e-6)


@pytest.mark.parametrize(
    ("device", "threads", "words"),
    [
        ("cpu", 1, "About 20 minutes on 2 cores"),
        ("cpu", 2, "About 40 minutes on 2 cores"),
        ("cuda", 1, "About 40 minutes on one GPU"),
    ],
)
def test_a_plan_begins_with_how_long_it_takes_here(device, threads, words, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 1})
    monkeypatch.setattr("transferability.planning.plan.device_name", lambda _device: "GPU")
    plan = pd.DataFrame({"treatment": ["base", "all"], "hours left": [0.1, 40 / 60]})
    assert how_long(plan, threads, torch.device(device)) == words
    assert how_long(plan.assign(**{"hours left": 0.0}), threads, torch.device(device)) == "Nothing is left to train"


def test_weights_take_what_they_take(checkout):
    config = yaml.safe_load((checkout.root / "config" / "config.yaml").read_text())
    update_config(config, yaml.safe_load((checkout.root / "config" / "smoke.yaml").read_text()))
    study = StudyPlan(config)
    needs = disk_needs(study, 240, {(split, half): 8 if half == "all" else 4 for split, half in study.tasks})
    results = checkout.root / "results" / "smoke"
    weights = sum(file.stat().st_size for file in results.glob("weights/*/*.safetensors"))
    assert weights == pytest.approx(needs.weights, rel=0.05)
    assert (results / "store.npy").stat().st_size == pytest.approx(needs.store, rel=0.05)


def test_plan_prints_and_writes_what_is_left(checkout):
    network = checkout.root / "results" / "smoke" / "accuracy" / "random-0" / "A3B.json"
    content = network.read_bytes()
    network.unlink()
    try:
        run = checkout.snakemake("plan", "--configfile", "config/smoke.yaml")
    finally:
        network.write_bytes(content)
    page = (checkout.root / "results" / "smoke" / "plan.md").read_text()
    assert page.strip() in run.stdout
    assert re.match(r"## About \d+ seconds? on \d+ cores?\n", page), "its first line says how long it takes"
    assert re.search(r"scaled by \d+\.\d\d to the time that 49 finished networks took on cpu", page)
    plan = pd.read_csv(checkout.root / "results" / "smoke" / "plan.csv").set_index("treatment")
    assert plan.loc["transfer", ["done", "waiting"]].tolist() == [15, 1]
    assert plan.loc["all", "million images left"] > 0
    assert plan.loc["base", "hours left"] == 0
    power = page.partition("## Power")[2]
    assert re.search(r"\| claim +\| conclusion +\| then +\| 2 splits", power)
    assert re.search(r"\| 6 +\| AnB drops faster with n between dissimilar tasks +\|", power)


def test_a_dry_run_on_imagenet_plans_the_balanced_study(checkout, tmp_path):
    wnids = pd.read_csv(checkout.root / "resources" / "ilsvrc2012.csv")["wnid"]
    for wnid in wnids:
        for subset in ("train", "val"):
            (tmp_path / subset / wnid).mkdir(parents=True)
            (tmp_path / subset / wnid / "0.JPEG").touch()
    for study in ("imagenet", "imagenet-fast"):
        pending = checkout.pending("--configfile", f"config/{study}.yaml", "--config", f"dataset={{root: {tmp_path}}}")
        assert {rule: jobs for rule, jobs in pending.items() if rule.startswith("train")} == {
            "train_base": 2 * 5 + 1,
            "train_transfer": 5 * 58,
            "train_whole": 7 + 12,
        }
        assert (pending["split"], pending["split_randomly"]) == (1, 4)
