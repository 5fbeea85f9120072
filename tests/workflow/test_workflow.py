"""The workflow as a user meets it: snakemake in a copy of the repository, on the smoke study."""

import json
import re
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from tests.conftest import FIGURE, RESULTS, SMOKE, Checkout, accuracies


def test_the_smoke_study_leaves_what_the_design_promises(checkout):
    results = checkout.root / RESULTS
    files = sorted(accuracies(checkout).glob("*.json"))
    assert len(files) == 18 + 2 + 4  # random splits, controls, and preserved layers
    figures = ["figure1", "filters", "curves", "figure2", "figure3", "figureS1"]
    figures += [f"paper/{name}" for name in [*figures[3:], "figure4"]]
    tables = ["table1", "tableS1", "effects", "claims", "advice", "classes", "wordnet_nodes"]
    tables += [f"paper/{name}" for name in [*tables, "distance", "distances"]] + ["provenance"]
    for name in figures:
        for suffix in (".pdf", ".png"):
            assert (results / f"{name}{suffix}").stat().st_size > 5000, name
    for name in tables:
        assert len(pd.read_csv(results / f"{name}.csv")) >= 3, name
        assert (results / f"{name}.md").read_text().startswith("## "), name
    for split in ("random-0", "manmade-natural"):
        for half in "AB":
            assert list(pd.read_csv(results / "splits" / split / f"{half}.csv").columns) == ["label", "wnid", "name"]
    for half in "AB":
        assert (results / "weights" / "random-0" / f"base{half}.safetensors").is_file()
    assert not list((results / "state").rglob("*.pt"))
    assert len(pd.read_csv(results / "accuracy.csv")) == 49
    names = {file.stem for file in (results / "accuracy" / "whole").glob("*.json")}
    assert names == {"base", "random3", "random7", "reduced-0002", "reduced-0010"}
    assert json.loads((results / "accuracy" / "whole" / "reduced-0002.json").read_text())["train_images"] == 16


def test_reduced_sets_and_bases_are_trained_on_the_whole_as_configured(checkout):
    whole = checkout.root / RESULTS / "accuracy" / "whole"
    curves = {name: json.loads((whole / f"{name}.json").read_text())["curve"] for name in ("base", "reduced-0010")}
    assert [test["iteration"] for test in curves["base"]] == [8, 16, 24, 32, 40]
    assert [test["iteration"] for test in curves["reduced-0010"]] == [4, 8, 12, 16, 20]


def test_one_split_decides_no_claim(checkout):
    claims = pd.read_csv(checkout.root / RESULTS / "claims.csv")
    assert set(claims["claim"]) == set(range(1, 10))
    assert set(claims["verdict"]) <= {"not decided", "not tested here"}
    untold = claims.loc[
        claims["paper"].isna(), "part"
    ].tolist()  # kernels, mixed splits and the control are not at hand
    assert len(untold) == 4 + 2 + 2 * 7 and {"beats longer training", "learns oriented edges"} < set(untold)
    kernels = pd.read_csv(checkout.root / RESULTS / "filters.csv")
    assert kernels[["edge_at_start", "blob_at_start"]].notna().all().all()
    assert claims.loc[claims["claim"] == 8, "value"].notna().all()


@pytest.mark.slow
def test_mixed_splits_give_figure_4_and_decide_how_loss_grows_with_distance(finished_study, tmp_path):
    checkout = Checkout(tmp_path / "checkout", finished_study)
    results, mixed = checkout.root / RESULTS, ("--config", "splits={mixed: [0.25]}")
    files = [f"{RESULTS}/{name}" for name in ("figure4.pdf", "distance.md", "distances.md", "claims.csv")]
    assert checkout.pending(*files, *SMOKE, *mixed)["train_transfer"] == 4
    checkout.snakemake(*files, *SMOKE, *mixed)
    assert (results / "figure4.pdf").stat().st_size > 5000
    distances = pd.read_csv(results / "distances.csv").set_index("split")["wu_palmer"]
    assert distances["random-0"] < distances["mixed-25-0"] < distances["manmade-natural"]
    assert pd.read_csv(results / "distance.csv")["splits"].tolist() == [3] * 3
    claim = pd.read_csv(results / "claims.csv").query("claim == 9")
    told = claim.loc[claim["value"].notna(), "part"].tolist()
    assert told == [f"{what} at {n}" for n in (3, 7) for what in ("grows", "falls nowhere")]
    assert claim["low"].notna().sum() == 2  # with one split of each kind, no step has an interval


def test_the_time_of_a_study_is_accounted_for(checkout):
    script = [sys.executable, checkout.root / "benchmarks" / "study.py", checkout.root / RESULTS]
    printed = subprocess.run(script, text=True, stdout=subprocess.PIPE, check=True).stdout
    assert re.search(r"^ *BnB\+ +4 ", printed, re.MULTILINE)
    assert re.search(r"^ *control +2 ", printed, re.MULTILINE)
    shares = [int(share) for share in re.findall(r"(-?\d+)%", printed)]
    assert len(shares) == 6  # start-up, data, forward, backward, test, idle
    assert sum(shares) == pytest.approx(100, abs=4)


def test_an_accuracy_file_says_what_was_trained_and_how_well(checkout):
    record = json.loads((accuracies(checkout) / "A3B+.json").read_text())
    expected = {"network": "A3B+", "split": "random-0", "treatment": "transfer", "source": "A", "target": "B", "n": 3}
    expected |= {"fine_tuned": True, "classes": 4, "train_images": 80, "val_images": 40, "seed": 0}
    assert {key: record[key] for key in expected} == expected
    assert record["top1"] == record["curve"][-1]["top1"]
    assert record["loss"] == record["curve"][-1]["loss"]
    assert [test["iteration"] for test in record["curve"]] == [4, 8, 12, 16, 20]
    provenance = json.loads((checkout.root / RESULTS / "provenance" / "random-0" / "A3B+.json").read_text())
    assert {"started", "seconds", "host", "device", "torch", "images_per_s"} <= set(provenance)


def test_nothing_is_pending_after_a_run(checkout):
    assert checkout.pending(*SMOKE) == {}


def test_of_every_result_it_is_noted_what_it_was_made_from(checkout):
    """But of networks, whose accuracy files have marks of their own."""
    results = checkout.root / RESULTS
    noted = {
        name
        for note in (results / "state" / "made").rglob("*.json")
        for name in json.loads(note.read_text(encoding="utf-8"))["outputs"]
    }
    apart = {"accuracy", "provenance", "weights", "benchmarks", "logs", "state", "pictures"}
    apart |= {
        "networks.csv",
        "plan.csv",
        "plan.md",
        "report.html",
        "opened-report.html",
    }  # of other tests, some of them
    files = {str(file.relative_to(results)) for file in results.rglob("*") if file.is_file()}
    made = {name for name in files if name.split("/")[0] not in apart and "logs" not in name.split("/")}
    made |= {name for name in files if name.startswith("accuracy/") and name.count("/") == 1}
    assert made | {"pictures"} <= noted
    assert len(made) > 80


def test_a_dry_run_imports_nothing_that_takes_long(checkout):
    """Torch takes more than two seconds of each start, on a cluster of two starts for each job."""
    run = checkout.snakemake("--dry-run", *SMOKE, PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip() for line in run.stdout.splitlines() if line.startswith("import time:")}
    assert "transferability.runtime.hooks" in imported
    assert not {"torch", "torchvision", "timm", "matplotlib", "networkx", "scipy"} & imported


def test_code_edited_while_snakemake_runs_is_refused(checkout):
    """A job that starts after the edit would train with the new code under the old one's mark."""
    target, settings = "results/edited/accuracy/random-0/baseA.json", (*SMOKE, "--config", "results_dir=results/edited")
    file = checkout.root / "workflow" / "transferability" / "training" / "optimizers.py"
    original = file.read_text()
    process = checkout.start(target, *settings)
    try:
        while not (checkout.root / "results/edited/pictures").exists():  # the first job runs
            assert process.poll() is None
            time.sleep(0.02)
        file.write_text(original.replace("factor * rate", "factor * factor * rate"))
        assert process.wait(120) != 0
    finally:
        file.write_text(original)
    log = checkout.root / "results/edited/logs/train/random-0/baseA.log"
    assert "the code was edited after snakemake started" in log.read_text()
    assert not (checkout.root / target).exists()


def edited(checkout, edits: list[tuple[str, str, str]], *arguments: str) -> dict[str, int]:
    """The jobs that are pending after edits: a file below workflow/, what it holds, what it holds instead."""
    originals = {checkout.root / "workflow" / file: old for file, old, _ in edits}
    originals = {file: (file.read_text(), old) for file, old in originals.items()}
    assert all(old in text for text, old in originals.values())
    try:
        for file, old, new in edits:
            path = checkout.root / "workflow" / file
            path.write_text(path.read_text().replace(old, new, 1))
        return checkout.pending(*arguments)
    finally:
        for file, (text, _) in originals.items():
            file.write_text(text)


def test_what_computes_nothing_retrains_nothing(checkout):
    edits = [
        ("transferability/training/trainer.py", '"""Training one network', '"""The training of one network'),
        ("transferability/training/batches.py", "\nclass Pixels", "\n# A comment.\nclass Pixels"),
        ("transferability/runtime/progress.py", "images/s", "images per second"),
        ("scripts/train.py", "if __name__", "# A comment.\nif __name__"),
        ("scripts/split.py", "", ""),  # touched
    ]
    assert edited(checkout, edits, FIGURE, *SMOKE) == {}
    edits += [("transferability/figures/figure2.py", "fontsize=8", "fontsize=7")]
    assert edited(checkout, edits, FIGURE, *SMOKE) == {"figure2": 1}


def test_a_change_in_what_training_computes_retrains_everything(checkout):
    edits = [("transferability/training/optimizers.py", "factor * rate", "factor * factor * rate")]
    pending = edited(checkout, edits, *SMOKE)
    assert (pending["train_base"], pending["train_transfer"], pending["train_whole"]) == (5, 40, 4)


def test_assigning_a_class_by_hand_leaves_the_random_splits_alone(checkout):
    change = ("--config", "splits={sides: {n01440764: natural}}", "wordnet=/usr/share/wordnet")
    assert checkout.pending(FIGURE, *SMOKE, *change) == {}
    pending = checkout.pending(*SMOKE, *change)
    assert (pending["split"], pending["train_base"], pending["train_transfer"]) == (1, 2, 18)
    assert "train_whole" not in pending


def test_settings_of_jobs_retrain_nothing_and_settings_of_training_do(checkout):
    assert checkout.pending(*SMOKE, "--config", "jobs={threads: 2, runtime: 5}", "device=cpu") == {
        "configuration": 1,
        "all": 1,
    }
    assert checkout.pending(FIGURE, *SMOKE, "--config", "training={learning_rate: 0.5}")["train_transfer"] == 18
    reduced = checkout.pending(*SMOKE, "--config", "reduced={training: {learning_rate: 0.5}}")
    assert (reduced["train_whole"], reduced.get("train_transfer")) == (2, None)


def test_a_deleted_index_is_missed(checkout):
    """As a person deletes it who has added images: what was made from it must not pass for what is there now."""
    file = checkout.root / RESULTS / "index.csv"
    content = file.read_bytes()
    file.unlink()
    assert {"index": 1, "pack": 1}.items() <= checkout.pending(*SMOKE).items()
    file.write_bytes(content)


def test_a_broken_image_and_a_broken_configuration_end_with_one_clear_error(checkout, image_tree):
    folder = (*SMOKE, "--config", "results_dir=results/broken", f"dataset={{layout: imagefolder, root: {image_tree}}}")
    (image_tree / "train" / "n01440764" / "n01440764_0.JPEG").write_bytes(b"no image")
    run = checkout.snakemake("results/broken/store.npy", *folder, check=False)
    assert run.returncode != 0
    assert "1 of 18 images cannot be decoded" in run.stdout
    assert "n01440764_0.JPEG" in run.stdout
    assert "Traceback" not in (checkout.root / "results/broken/logs/pack.log").read_text()
    run = checkout.snakemake("-n", *SMOKE, "--config", "sed=1", check=False)
    assert run.returncode != 0
    assert "--config: sed: unknown key" in run.stdout


def test_a_missing_dataset_is_told_before_anything_runs(checkout):
    where = ("--config", "dataset={layout: imagefolder, root: /nowhere}", "results_dir=results/nowhere")
    run = checkout.snakemake("-n", *SMOKE, *where, check=False)
    assert run.returncode != 0
    [*_, last] = run.stdout.splitlines()
    assert last.startswith("config key dataset.root: /nowhere is not a directory"), "no traceback of Snakemake's"


def test_an_image_folder_goes_the_same_way(checkout, image_tree):
    tree = image_tree / "train"
    for subset in ("train", "val"):
        shutil.copytree(image_tree / subset / "n01440764", image_tree / subset / "my-own-class")
    names = [f"results/folder/accuracy/random-0/{name}.json" for name in ("baseA", "B7A+")]
    settings = ("--config", f"dataset={{layout: imagefolder, root: {tree.parent}}}", "results_dir=results/folder")
    checkout.snakemake(*names, *SMOKE, *settings)
    assert json.loads((checkout.root / names[1]).read_text())["treatment"] == "transfer"


def test_the_slurm_profile_plans_the_same_jobs_and_a_retry_asks_for_more_memory_and_the_same_time(checkout):
    """Trainings resume; a partition that takes four hours would refuse eight, and one refusal ends snakemake."""
    assert yaml.safe_load((checkout.root / "slurm" / "config.v8+.yaml").read_text())["executor"] == "slurm"
    for attempt, memory in ((2, "4000"), (9, "8000")):  # up to a bound
        arguments = ("--profile", "slurm", "results/figure2.pdf", "--attempt", str(attempt))
        planned = checkout.snakemake(*arguments, "--dry-run").stdout
        asked = re.findall(r": train .*: 1 threads, 0 GPUs, (\d+) MB, (\d+) min", planned)
        assert {*asked} == {(memory, "60")}, planned[-3000:]
        assert re.search(r"^train_base +4$", planned, re.MULTILINE)
        assert re.search(r"^train_transfer +116$", planned, re.MULTILINE)


def test_the_snakefile_plans_the_papers_study(checkout):
    settings = (
        "--config",
        "splits={random: 4}",
        "results_dir=results/paper-study",
        f"network={{n: {list(range(1, 8))}}}",
    )
    pending = checkout.pending("results/paper-study/figure2.pdf", *SMOKE, *settings)
    assert (pending["train_base"], pending["train_transfer"]) == (8, 232)
