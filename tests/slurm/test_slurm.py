"""The study on a real Slurm with two stand-in GPUs: every network a job, jobs cancelled and out of time are retried."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import Checkout
from tests.slurm.cluster import slurm_cluster, why_not
from tests.trees import make_tree
from transferability.runtime.stopping import RESERVE

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
IMPATIENT = Path(__file__).with_name("impatient.py")
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5")


@pytest.fixture(scope="module")
def job_log(tmp_path_factory):
    """A running cluster; the file in which it lists its finished jobs."""
    with slurm_cluster(tmp_path_factory.mktemp("slurm")) as log:
        yield log


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """A copy of the repository in which nothing has run, whose iterations each wait a little.

    So a training of hundreds takes seconds on any machine, and is under way when a test looks for it.
    """
    checkout = Checkout(tmp_path_factory.mktemp("study") / "checkout")
    file, step = checkout.library / "transferability" / "training" / "trainer.py", "        loss.backward()\n"
    code = file.read_text(encoding="utf-8")
    assert step in code
    file.write_text(code.replace(step, f'        __import__("time").sleep(0.02)\n{step}'), encoding="utf-8")
    return checkout


def start(checkout, *arguments: str) -> subprocess.Popen:
    """Start a snakemake whose jobs are Slurm's."""
    environment = os.environ | {"PYTHONPATH": str(checkout.root / "workflow")}
    command = [sys.executable, str(IMPATIENT), "--profile", "slurm", *arguments]
    command += ["--default-resources", "slurm_partition=main", "slurm_account=test", *QUICK]
    with (checkout.root / "snakemake.out").open("w") as output:
        return subprocess.Popen(command, cwd=checkout.root, env=environment, stdout=output, stderr=subprocess.STDOUT)


def finish(checkout, process: subprocess.Popen, seconds: float) -> str:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    output = (checkout.root / "snakemake.out").read_text()
    assert process.returncode == 0, output[-4000:]
    return output


def provenance(checkout, results: str) -> list[dict]:
    return [json.loads(file.read_text()) for file in (checkout.root / results).glob("provenance/*/*.json")]


def test_every_network_of_a_study_is_a_slurm_job_with_a_gpu_and_its_own_walltime(checkout, job_log):
    """As tasks of job arrays: squeue lists all tasks of an array for the number of one of them."""
    settings = ("--config", "results_dir=results/slurm", "network={n: [3]}", "jobs={gpu: 1, mem_mb: 500, runtime: 5}")
    arguments = ("--configfile", "config/smoke.yaml", *settings, "treatments=[AnB]")
    checkout.snakemake("results/slurm/store.npy", "results/slurm/splits/random-0/A.csv", *arguments)
    finish(checkout, start(checkout, "results/slurm/figure2.pdf", *arguments, "--slurm-array-jobs", "all"), 500)
    networks = provenance(checkout, "results/slurm")
    assert len(networks) == 4  # two bases, and the treatment in both directions
    assert len({network["slurm_job"] for network in networks} - {""}) == 4
    assert {network["cuda_visible_devices"] for network in networks} == {"0", "1"}
    finished = set(re.findall(r"JobId=(\d+) .*JobState=COMPLETED", job_log.read_text()))
    assert {network["slurm_job"] for network in networks} <= finished
    assert (checkout.root / "results/slurm/figure2.pdf").stat().st_size > 5000
    for half in "AB":
        log = (checkout.root / f"results/slurm/logs/train/random-0/base{half}.log").read_text()
        assert 200 < int(re.search(r"Slurm ends this job in (\d+) s", log)[1]) <= 300


LONG = "training={length: 300 iterations, evaluate_every: 100 iterations, learning_rate: 0.001}"


def wait_for(path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.2)


def hold_training(checkout) -> int:
    """Let the training of baseA stand still once it has begun, so that it is there on any machine; return its number.

    Slurm wakes what it cancels.
    """
    progress = checkout.root / "results/slurm/state/random-0/baseA.progress"
    wait_for(progress, 120)
    process = json.loads(progress.read_text())["pid"]
    os.kill(process, signal.SIGSTOP)
    return process


def squeue(what: str) -> list[str]:
    """What squeue tells of the jobs that run."""
    command = ["squeue", "-h", "--states=RUNNING", "-o", what]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def goes_on(log: str) -> bool:
    """Whether a job did not begin anew.

    Slurm lets a job that was cancelled go on for KillWait seconds; one that ends its training by then has finished it.
    """
    return re.search(r"resumed at iteration [1-9]|restored, not trained again", log) is not None


def test_a_cancelled_job_is_retried_and_resumes(checkout, job_log):
    settings = ("--config", "results_dir=results/slurm", "jobs={state_seconds: 0, mem_mb: 500, runtime: 5}")
    target = "results/slurm/accuracy/random-0/baseA.json"
    process = start(checkout, target, "--configfile", "config/smoke.yaml", *settings, LONG)
    hold_training(checkout)
    subprocess.run(["scancel", *squeue("%i")], check=True)
    finish(checkout, process, 300)
    assert goes_on((checkout.root / "results/slurm/logs/train/random-0/baseA.log").read_text())


def test_a_job_that_comes_to_its_deadline_stops_in_time_and_is_retried(checkout, job_log):
    """One minute of walltime, of which the reserve leaves less than half: the training stands still for that long."""
    settings = ("--config", "results_dir=results/slurm", "jobs={state_seconds: 600, mem_mb: 500, runtime: 1}")
    target = "results/slurm/accuracy/random-0/baseA.json"
    process = start(checkout, target, "--configfile", "config/smoke.yaml", *settings, LONG.replace("300", "310"))
    training = hold_training(checkout)
    try:
        while (datetime.fromisoformat(squeue("%e")[0]) - datetime.now()).total_seconds() >= RESERVE:
            time.sleep(0.2)
    finally:
        os.kill(training, signal.SIGCONT)
    output = finish(checkout, process, 300)  # with the logs of failed jobs
    assert "random-0/baseA: stopped before its walltime is over at iteration" in output
    log = (checkout.root / "results/slurm/logs/train/random-0/baseA.log").read_text()
    assert int(re.search(r"resumed at iteration (\d+) of 310", log)[1]) > 0


def test_jobs_that_go_on_when_snakemake_is_killed_are_taken_over(checkout, job_log):
    """kill -9, or a login node that reboots: the next snakemake ends what nobody waits for, and goes on from there."""
    settings = ("--config", "results_dir=results/slurm", "jobs={state_seconds: 0, mem_mb: 500, runtime: 5}")
    target = "results/slurm/accuracy/random-0/baseA.json"
    arguments = (target, "--configfile", "config/smoke.yaml", *settings, LONG.replace("300", "320"))
    process = start(checkout, *arguments)
    hold_training(checkout)
    process.kill()
    process.wait()
    running = subprocess.run(["squeue", "-h", "-o", "%A %T"], capture_output=True, text=True).stdout.split()
    assert running[1:] == ["RUNNING"]
    checkout.snakemake("--unlock", *arguments[1:])
    output = finish(checkout, start(checkout, *arguments), 300)
    assert f"cancelling 1 Slurm jobs left by an earlier snakemake: {running[0]}" in output
    assert goes_on((checkout.root / "results/slurm/logs/train/random-0/baseA.log").read_text())
    assert re.search(rf"JobId={running[0]} .*JobState=CANCELLED", job_log.read_text())


MINE = """
results_dir: results/mine
dataset:
  layout: imagenet-archives
  root: {root}
  image_size: 36
  expected: {{classes: null, train: null, val: null}}
splits: {{random: 1}}
network: {{architecture: caffenet-mini, n: [3]}}
training: {{input_size: 32, batch_size: 16, length: 2 epochs, compile: false}}
reduced: {{examples_per_class: []}}
jobs: {{threads: 1, mem_mb: 1000, runtime: 5}}
"""


def test_from_archives_to_a_planned_grid(checkout, job_log, tmp_path):
    """What README tells of ImageNet on a cluster, on a small set in the same archives."""
    root = make_tree("imagenet-archives", tmp_path / "archives")
    (checkout.root / "mine.yaml").write_text(MINE.format(root=root))
    files = ("--configfile", "config/imagenet-fast.yaml", "mine.yaml")

    targets = ("preflight", "plan", "results/mine/accuracy/random-0/baseA.json")
    finish(checkout, start(checkout, *targets, *files), 400)
    assert "**Everything is in order.**" in (checkout.root / "results/mine/preflight.md").read_text()
    assert "| transfer " in (checkout.root / "results/mine/plan.md").read_text()
    record = json.loads((checkout.root / "results/mine/accuracy/random-0/baseA.json").read_text())
    assert (record["train_images"], record["val_images"]) == (48, 16)
