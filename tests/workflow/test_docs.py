"""Pages of the documentation, done as they say."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from snakemake.utils import update_config

from tests.conftest import REPOSITORY, Checkout
from transferability.study.configuration import complete_config, default_config, fill_defaults

SMALL = [
    "pictures={classes: 8, train: 20, val: 10}",
    "splits={random: 1, manmade_natural: false}",
    "treatments=[AnB+]",
    "random_filters=false",
    "reduced={examples_per_class: []}",
]
TRAIN = REPOSITORY / "workflow" / "rules" / "train.smk"
SHORT = "length: 3 epochs, batch_size: 20, evaluate_every: 1 epochs"


# The pages whose blocks of shell commands a test below runs, all of them.
RUN = ("add-an-architecture.md", "getting-started.md", "your-own-images.md")
LANGUAGES = {"sh", "console", "text", "python", "yaml", "snakemake"}
PAGES = sorted(
    page
    for page in [*REPOSITORY.glob("*.md"), REPOSITORY / "config" / "README.md", *REPOSITORY.glob("docs/*.md")]
    if not page.is_symlink()
)


def commands(page: Path) -> list[str]:
    """The lines of a page's blocks of shell commands, without comments."""
    found = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line.partition(" #")[0].strip() for block in found for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_of_a_page_is_run_by_a_test_or_the_page_notes_why_not(page):
    """Blocks of commands are `sh` where a test runs them, else `console`, below a remark that says what they need."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```(.*)$", text, re.MULTILINE)[::2]  # each other one ends a block
    assert set(fences) <= LANGUAGES
    remarks = re.findall(r"^<!-- not run by tests: .+ -->\n```console$", text, re.MULTILINE)
    assert len(remarks) == fences.count("console")
    assert set(commands(page)) <= {line for name in RUN for line in commands(REPOSITORY / "docs" / name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_configurations_in_pages_are_accepted(page):
    found = re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for content in filter(None, map(yaml.safe_load, found)):
        if "set-resources" in content:  # a profile
            rules = set(re.findall(r"^(?:rule|use rule \w+ as) (\w+)", TRAIN.read_text(encoding="utf-8"), re.MULTILINE))
            assert set(content["set-resources"]) == rules - {"rates"} | {"preflight", "plan", "model"}
        elif content.get("network", {}).get("architecture") != "tinynet":  # which a test adds, and trains
            fill_defaults(content)
            complete_config(content, [])


@pytest.mark.slow
def test_getting_started_is_done_as_the_page_says(finished_study, tmp_path):
    """In a checkout whose own study is small, and finished but for what the page has made: nothing else is to do."""
    study = Checkout(tmp_path / "checkout", finished_study)
    results, config = study.root / "results", default_config()
    (results / "smoke").rename(study.root / "finished")
    shutil.rmtree(results)
    (study.root / "finished").rename(results)
    update_config(config, yaml.safe_load((study.root / "config" / "smoke.yaml").read_text(encoding="utf-8")))
    config["results_dir"] = "results"
    (study.root / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    name, content = blocks("getting-started.md", "yaml")[0].split("\n", 1)
    quick = yaml.safe_load(content) | {"network": {"n": [3]}, "treatments": ["AnB+"]}
    quick["splits"], quick["training"]["length"] = {"random": 1}, "2 epochs"
    (study.root / name.removeprefix("# ")).write_text(yaml.safe_dump(quick), encoding="utf-8")
    made = {"figure2.pdf", "figure2.html", "advice.md", "report.html", "quick/figure2.pdf"}
    for file in made & {str(path.relative_to(results)) for path in results.glob("*")}:
        (results / file).unlink()
    for line in commands(REPOSITORY / "docs" / "getting-started.md"):
        type_command(study, line)
    assert all((results / name).stat().st_size > 1000 for name in made)
    assert (results / "quick" / "accuracy" / "random-0" / "A3B+.json").is_file()
    assert study.trained("results") == set()


def type_command(study: Checkout, line: str) -> None:
    """Do what a line of a page says; the environment is the one that pytest runs in."""
    program, *arguments = shlex.split(line)
    if program == "make":  # what it would do, but for setting up an environment
        command = ["make", "--dry-run", "--no-print-directory", "--old-file", ".venv/ready", *arguments]
        alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not of `make test`
        run = subprocess.run(command, cwd=study.root, env=alone, capture_output=True, text=True, check=True)
        does = run.stdout
        for step in does.replace(".venv/bin/", "").splitlines():
            type_command(study, step)
    elif program == "snakemake":
        study.snakemake(*arguments)
    elif program not in ("source", "echo"):
        environment = os.environ | {"PYTHONPATH": str(study.library)}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        subprocess.run([program, *arguments], cwd=study.root, env=environment, check=True)


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page in a language."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_a_network_of_ones_own_is_added_as_the_page_says(tmp_path):
    study = Checkout(tmp_path / "checkout")
    [code], [config], [command] = (blocks("add-an-architecture.md", kind) for kind in ("python", "yaml", "sh"))
    assert len(code.splitlines()) < 20
    for block in (code, config):
        name, content = block.split("\n", 1)
        (study.root / name.removeprefix("# ")).write_text(content, encoding="utf-8")
    program, *arguments = command.split()
    assert program == "snakemake"
    training = f"training={{{SHORT}, optimizer: sgd}}"
    made = [f"results/tinynet/{name}" for name in ("accuracy.csv", "figure2.pdf", "advice.md")]  # of all that it makes
    study.snakemake(*made, *arguments, "--config", *SMALL, training)
    accuracies = pd.read_csv(study.root / "results" / "tinynet" / "accuracy.csv")
    assert set(accuracies["n"]) == {0, 1, 2, 3, 4}
    assert set(accuracies["n"][accuracies["control"]]) == {4}  # all layers, which it says itself
    assert (study.root / "results" / "tinynet" / "figure2.pdf").stat().st_size > 5000


def save_photographs(folder, classes=("ants", "bees"), images=15):
    """Photographs as a person has them: oblong, in one folder a class, each class with its own colour."""
    generator = np.random.default_rng(0)
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(images):
            pixels = generator.integers(0, 120, (40, 60, 3), dtype=np.uint8)
            pixels[:, :, place] += 100
            Image.fromarray(pixels).save(folder / name / f"IMG_{number}.jpg")


@pytest.mark.slow
def test_four_commands_lead_from_photographs_and_weights_to_advice(tmp_path):
    study = Checkout(tmp_path / "checkout")
    save_photographs(study.root / "photographs")
    save, copy, preflight, plan, train, *_ = blocks("your-own-images.md", "sh")
    offline = save.replace("weights='IMAGENET1K_V1'", "weights=None")
    assert offline != save
    for command in (offline, copy):
        subprocess.run(command.replace("python", sys.executable), shell=True, check=True, cwd=study.root)
    mine = yaml.safe_load((study.root / "mine.yaml").read_text(encoding="utf-8"))
    mine["network"]["n"], mine["dataset"]["folds"], mine["training"]["learning_rate"] = [1], 2, [0.0003, 0.001]
    mine["dataset"]["image_size"], mine["training"]["input_size"], mine["training"]["length"] = 40, 32, "2 epochs"
    (study.root / "mine.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    found = study.snakemake(*shlex.split(preflight)[1:]).stdout
    assert "Everything is in order" in found
    study.snakemake(*shlex.split(plan)[1:])
    made = [f"results/my-images/{name}" for name in ("accuracy.csv", "advice.md", "rates.csv")]  # of all
    study.snakemake(*made, *shlex.split(train)[1:])
    results = study.root / "results" / "my-images"
    assert "networks" in (results / "plan.md").read_text(encoding="utf-8")
    page = (results / "advice.md").read_text(encoding="utf-8")
    assert "## Advice: layers of imagenet\n" in page
    assert "Nothing tried is " in page and "against the best it may lose " in page
    assert "layer4.1" in page and "layer1.0" not in page
    accuracies = pd.read_csv(results / "accuracy.csv")
    assert set(accuracies["network"]) == {"baseB", "A9B+", "A1~8B", "A9B"} and len(accuracies) == 2 * 4
    assert set(accuracies["val_images"]) == {15} and set(accuracies["train_images"]) == {15}, "two folds"
    rates = pd.read_csv(results / "rates.csv")
    assert set(rates["family"]) == {"scratch", "frozen", "fine-tuned"} and set(rates["rate"]) == {0.0003, 0.001}
    chosen = {json.loads(file.read_text())["chosen"] for file in (results / "rates/given-imagenet-0").iterdir()}
    assert chosen == set(rates["rate"][rates["chosen"]])
    costs = pd.read_csv(results / "costs.csv").set_index(["split", "network"])["cost"].groupby("network").first()
    assert costs["A9B"] < costs["A1~8B"] < costs["A9B+"] == costs["baseB"] == 1
    log = (results / "logs/import/given-imagenet-0.log").read_text(encoding="utf-8")
    assert "120 of 120 entries of 9 layers" in log
