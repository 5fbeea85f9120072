"""The parts of Snakemake that have no public name (runtime/snakemake_parts.py), in the versions that may be installed.

`.ci/run` installs the lowest and the newest Snakemake 9 and names their directories in SNAKEMAKES; the pinned one all
other tests run.
"""

import os
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import REPOSITORY, Checkout
from tests.workflow.test_reruns import FEW

PLACES = os.environ.get("SNAKEMAKES", "").split(os.pathsep)  # without it the pinned one
FILE = "results/smoke/accuracy/random-0/baseA.json"
IMPORTING = """
module study:
    snakefile: "Snakefile"
    config: {"results_dir": "results/imported", "pictures": {"train": 6, "val": 2, "classes": 8}}
use rule * from study as study_*
onstart: print("the other workflow starts")
rule own:
    input: "results/imported/index.csv"
    default_target: True
"""


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: os.path.basename(place) or "pinned")  # noqa: PTH119
def snakemake(request, tmp_path_factory):
    """A function that runs such a Snakemake in a checkout of its own, and the checkout."""
    checkout = Checkout(tmp_path_factory.mktemp("versions") / "checkout")
    path = os.pathsep.join(filter(None, [request.param, str(checkout.library)]))

    def run(*arguments: str):
        return checkout.snakemake(*arguments, PYTHONPATH=path).stdout

    run.checkout, run.path = checkout, path
    return run


def test_results_of_other_settings_are_made_again_and_what_is_forced_is_trained(snakemake):
    assert "1 of 1 networks to train" in snakemake(FILE, *FEW)
    assert "Nothing to be done" in snakemake(FILE, *FEW, "-n")
    assert "1 network may not match this study" in snakemake(FILE, *FEW, "training={learning_rate: 0.005}", "-n")
    snakemake.checkout.trained("results/smoke")
    snakemake(FILE, *FEW, "-f")
    assert snakemake.checkout.trained("results/smoke") == {"random-0/baseA"}


def test_ctrl_c_ends_with_one_line(snakemake):
    slow = (FILE, *FEW, "training={length: 100000000 iterations, evaluate_every: 1000000 iterations}")
    log = snakemake.checkout.root / "results/smoke/logs/train/random-0/baseA.log"
    log.unlink()
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *slow, "--cores", "2"],
        cwd=snakemake.checkout.root,
        env=os.environ | {"PYTHONPATH": snakemake.path},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not (log.exists() and "training" in log.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()  # its training ends with it
    assert process.returncode != 0 and "Traceback" not in printed
    assert printed.splitlines()[-1].startswith("stopped: 0 of 1 networks are done")


def test_the_hooks_of_both_run_where_another_workflow_imports_this_one(snakemake):
    (snakemake.checkout.root / "other.smk").write_text(IMPORTING)
    assert "the other workflow starts" in snakemake("-s", "other.smk")
    assert (snakemake.checkout.root / "results/imported/networks.csv").exists()


def test_the_bounds_are_those_of_the_package():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [wanted] = [Requirement(line) for line in project["dependencies"] if line.startswith("snakemake>")]
    assert version("snakemake") in wanted.specifier
    lowest = min(spec.version for spec in wanted.specifier if spec.operator == ">=")
    snakefile = (REPOSITORY / "Snakefile").read_text()
    assert f'min_version("{lowest}")' in snakefile and Version(lowest) < Version(version("snakemake"))
