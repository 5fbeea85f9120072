"""Studies in places that are not as ours: other workflows, directories, locales, Pythons, and paths with letters that
mean something to a program.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.conftest import REPOSITORY, Checkout

CLASSES = ["Birnen", "Äpfel", "Ω", "日本"]
SMOKE = ("--configfile", "config/smoke.yaml", "--config", "splits={manmade_natural: false}")
FEW = ("network={n: [3]}", "treatments=[AnB]", "random_filters=false", "reduced={examples_per_class: []}")


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
    settings = (*SMOKE, *FEW, f"dataset={{layout: imagefolder, root: {images}}}", f"results_dir={results}")
    target = f"{results}/accuracy/random-0/B3A.json"
    checkout.snakemake(target, f"{results}/classes.csv", *settings, **locale)
    index = pd.read_csv(checkout.root / results / "index.csv")
    assert set(index["wnid"]) == set(CLASSES)
    assert index["path"][0] == "train/Birnen/ü0.png"
    by_class = json.loads((checkout.root / target).read_text(encoding="utf-8"))["by_class"]
    assert set(by_class) < set(CLASSES)
    assert "日本" in (checkout.root / results / "classes.md").read_text(encoding="utf-8")
    status = [sys.executable, "-c", "from transferability.monitor.status import main; main()", results]
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
    assert "snakemake treats braces in the path of a checkout as wildcards" in run.stdout


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


MODULE = """
module transferability:
    snakefile: {snakefile!r}
    config: {config!r}

use rule * from transferability as study_*
"""
PICTURES = {"classes": 4, "train": 20, "val": 5}


def importing(folder: Path, config: dict, **more: str) -> "Importing":
    """Make a workflow that imports ours with this configuration, and more that its module says."""
    folder.mkdir(exist_ok=True)
    text = MODULE.format(snakefile=str(REPOSITORY / "Snakefile"), config=config)
    for key, value in more.items():
        text = text.replace("    config:", f"    {key}: {value!r}\n    config:")
    (folder / "Snakefile").write_text(text, encoding="utf-8")
    return Importing(folder)


class Importing(Checkout):
    """A directory with a workflow of its own, instead of a copy of the repository, whose library it takes."""

    library = REPOSITORY / "workflow"

    def __init__(self, root: Path):
        self.root, self._forked = root, False


@pytest.mark.slow
def test_another_workflow_imports_a_study_from_a_few_keys(tmp_path):
    """What a person deletes there is trained again, though Snakemake runs no hook of a module."""
    reduced = {"examples_per_class": [2], "training": {"length": "20 iterations", "evaluate_every": "4 iterations"}}
    config = {"pictures": PICTURES, "network": {"n": [7]}, "reduced": reduced, "splits": {"random": 1}}
    config |= {"preserved": {"n": []}, "treatments": ["AnB"]}
    study = importing(tmp_path / "mine", config)
    made = ("results/accuracy.csv", "results/figure3.pdf", "results/table1.md")
    study.snakemake(*made)
    accuracies = pd.read_csv(study.root / "results" / "accuracy.csv")
    assert len(accuracies) == 2 * (2 + 2) + 3
    assert (study.root / "results" / "figure3.pdf").stat().st_size > 5000
    pending = study.pending("study_all", *made)  # of all these are done, and no networks are left
    assert {"study_figure2", "study_claims", "study_all"} <= pending.keys()
    assert not any(rule.startswith(("study_train", "study_collect_all", "study_pack")) for rule in pending)
    assert len(study.trained("results")) == len(accuracies)
    file = study.root / "results" / "accuracy" / "random-0" / "A7B.json"
    before = file.read_bytes()
    file.unlink()
    study.snakemake(str(file.relative_to(study.root)), "--force")
    assert study.trained("results") == {"random-0/A7B"}
    assert file.read_bytes() == before


@pytest.mark.slow
def test_the_default_limit_of_jobs_per_second_is_lifted_and_a_persons_own_is_not(tmp_path):
    """With a limit Snakemake looks through all waiting jobs again and again, more often with each job that ends."""
    study = importing(tmp_path / "mine", {"splits": {"random": 1}})
    with (study.root / "Snakefile").open("a", encoding="utf-8") as file:
        file.write(
            "\nonsuccess:\n    print('limit:', getattr(workflow.scheduler.job_rate_limiter, 'max_jobs', None))\n"
        )
    figure = "results/figure1.pdf"
    assert "limit: None" in study.snakemake(figure).stdout
    assert "limit: 50" in study.snakemake("--max-jobs-per-timespan", "50/1s", "--force", figure).stdout


@pytest.mark.slow
def test_two_studies_in_one_workflow_do_not_stop_each_other(tmp_path, image_tree):
    """The split of the first fails, which has two classes; what the second needs is in order."""
    for folder in image_tree.glob("*/n02084071"):
        shutil.rmtree(folder)
    small = {"network": {"n": [7]}, "splits": {"manmade_natural": False, "random": 1}, "pictures": PICTURES}
    folder = {"dataset": {"layout": "imagefolder", "root": str(image_tree)}, "results_dir": "one"} | small
    host = importing(tmp_path / "mine", folder)
    second = MODULE.format(snakefile=str(REPOSITORY / "Snakefile"), config={"results_dir": "two"} | small)
    second = second.replace("module transferability", "module other").replace(
        "transferability as study", "other as other"
    )
    with (host.root / "Snakefile").open("a", encoding="utf-8") as file:
        file.write(second)
    targets = [f"{name}/accuracy/random-splits.csv" for name in ("one", "two")]
    run = host.snakemake(*targets, "--keep-going", check=False)
    assert "need at least 4 classes" in "".join(log.read_text() for log in host.root.glob("one/logs/split/*")), (
        run.stdout
    )
    assert run.returncode != 0 and not list(host.root.glob("one/logs/train/*/*"))
    assert (host.root / "two" / "accuracy" / "random-splits.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "more", "message"),
    [
        (
            {"sed": 1},
            {},
            "config of module transferability: sed: unknown key; did you mean `seed`? accepted here: resul",
        ),
        (
            {"dataset": {"image_size": 16}},
            {},
            "the default: training.input_size: 32 given; accepted: at most dataset.image_",
        ),
        ({}, {"prefix": "mine"}, "module transferability: prefix and replace_prefix given; give results_dir in config"),
    ],
)
def test_an_error_in_a_module_names_the_module(tmp_path, config, more, message):
    run = importing(tmp_path, config, **more).snakemake("-n", check=False)
    assert run.returncode != 0
    assert message in run.stdout


@pytest.mark.slow
def test_a_study_runs_from_another_directory_from_a_few_keys(tmp_path):
    """Files of configuration and results are those of that directory; the profile and the rest the repository's.

    So is all code: a file there that is called as a library that Snakemake, our scripts and the fork server import.
    """
    (tmp_path / "psutil.py").write_text("raise SystemExit('of the working directory')", encoding="utf-8")
    config = {"results_dir": "out", "pictures": PICTURES, "network": {"n": [7]}, "treatments": ["AnB"]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    elsewhere = ("--snakefile", str(REPOSITORY / "Snakefile"), "--configfile", "mine.yaml")
    study = Importing(tmp_path)
    study.snakemake("out/figure2.pdf", "out/paper/claims.csv", *elsewhere)
    assert len(pd.read_csv(tmp_path / "out" / "accuracy" / "random-splits.csv")) == 2 * (2 + 2)
    assert (tmp_path / "out" / "figure2.pdf").stat().st_size > 5000
    assert study.pending("out/figure2.pdf", *elsewhere) == {}


@pytest.fixture
def make(tmp_path):
    """Calls make where no programs are but those named, which pass for Pythons that can make an environment."""
    (tmp_path / "envs").mkdir()
    for file in ("pyproject.toml", "envs/requirements.lock"):
        (tmp_path / file).touch()

    def call(*pythons: str, arguments: tuple[str, ...]) -> subprocess.CompletedProcess:
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in pythons:
            (programs / name).write_text("#!/bin/sh\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        command = [shutil.which("make"), "-f", str(REPOSITORY / "Makefile"), "figure2", *arguments]
        return subprocess.run(command, cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True)

    return call


@pytest.mark.parametrize(
    "pythons", [["python3.11", "python3.13"], ["python3.12"], ["python3.13", "python3"], ["python3"]]
)
def test_make_takes_the_first_python_that_is_there(make, pythons):
    assert f"\n{pythons[0]} -m venv .venv\n" in f"\n{make(*pythons, arguments=('-n',)).stdout}"


@pytest.mark.parametrize(
    ("arguments", "what"), [((), "none of python3.11 python3.12 python3.13 python3 is"), (("PYTHON=py",), "py is not")]
)
def test_make_without_a_python_says_what_is_missing(make, arguments, what):
    run = make(arguments=arguments)
    assert run.returncode != 0
    assert run.stderr.startswith(f"{what} a Python 3.11, 3.12 or 3.13 with its module venv: install one (Debian")


PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p "$3/bin"
cat >"$3/bin/pip" <<'END'
#!/bin/sh
bin=$(dirname "$0")
[ -e "$bin/half-a-package" ] && echo "Requirement already satisfied" && exit 0
[ -e killed ] && exit 0
touch killed "$bin/half-a-package"
kill -9 $$
END
chmod +x "$3/bin/pip"
"""


def test_make_starts_an_environment_again_that_it_did_not_finish(tmp_path):
    """Pip takes a package for installed whose METADATA it wrote before it was killed, and says nothing."""
    (tmp_path / "envs").mkdir()
    for file in ("pyproject.toml", "envs/requirements.lock"):
        (tmp_path / file).touch()
    (tmp_path / "python").write_text(PYTHON, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    command = ["make", "-f", str(REPOSITORY / "Makefile"), "install", "PYTHON=./python"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode
    assert (tmp_path / ".venv" / "bin" / "half-a-package").exists() and not (tmp_path / ".venv" / "ready").exists()
    subprocess.run(command, cwd=tmp_path, check=True)
    assert not (tmp_path / ".venv" / "bin" / "half-a-package").exists() and (tmp_path / ".venv" / "ready").exists()
    assert not (tmp_path / ".venv.unfinished").exists()
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, encoding="utf-8")
    assert "Nothing to be done" in run.stdout or "up to date" in run.stdout
