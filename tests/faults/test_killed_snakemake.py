"""kill -9 of snakemake, alone or with its children, of its fork server, of trainings: the next run resumes."""

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

RESULTS = "results/killed"
TARGET = "accuracy/random-splits.csv"
STUDY = ("--configfile", "config/smoke.yaml", "--config", "network={n: [3]}", "jobs={state_seconds: 0}")
STUDY = (
    *STUDY,
    "treatments=[AnB]",
    "training={length: 100 iterations, evaluate_every: 50 iterations, learning_rate: 0.002}",
)


def of_checkout(checkout) -> list[psutil.Process]:
    """Living processes that a snakemake in this checkout has started, or that is one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PYTHONPATH", "").startswith(f"{checkout.root}/workflow"):
                found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
        except psutil.Error:
            continue
    return found


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def victims(snakemake: psutil.Process, kind: str) -> list[psutil.Process]:
    children = snakemake.children(recursive=True)
    if kind in RUN:
        return [child for child in children if child.ppid() == snakemake.pid and runs(child, RUN[kind])]
    return [snakemake, *children] if kind == "snakemake and all its children" else [snakemake]


def runs(process: psutil.Process, program: str) -> bool:
    try:
        return any(word.endswith(program) for word in process.cmdline())
    except psutil.Error:  # it has ended
        return False


def wait_for(kind: str, process: subprocess.Popen) -> None:
    """Wait until a snakemake has started such a process, or has ended."""
    while process.poll() is None and not victims(psutil.Process(process.pid), kind):
        time.sleep(0.1)


def records(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "accuracy" / "random-0").glob("*.json")}


RUN = {"fork server": "transferability.runtime.fork_server", "trainings": ".train.py"}
KINDS = ["snakemake", "snakemake and all its children", *RUN]


@pytest.fixture(scope="module")
def expected(checkout) -> dict[str, bytes]:
    checkout.snakemake(f"results/whole/{TARGET}", *STUDY, "results_dir=results/whole")
    return records(checkout.root / "results" / "whole")


def test_kills_at_random_moments(checkout, expected, table, request):
    kills, wanted = dict.fromkeys(KINDS, 0), request.config.getoption("--kills")
    rng = random.Random(0)
    process = None
    while sum(kills.values()) < wanted or process.returncode:
        process = checkout.start(f"{RESULTS}/{TARGET}", *STUDY, f"results_dir={RESULTS}")
        kind = min(KINDS, key=kills.get) if sum(kills.values()) < wanted else "none"
        if kind in KINDS:
            wait_for(kind, process)  # without one there is nothing to hit, and a whole study runs for nothing
            time.sleep(rng.uniform(0, 2) if kind in RUN else rng.uniform(1, 5))
            hit = victims(psutil.Process(process.pid), kind) if process.poll() is None else []
            kill(hit)
            kills[kind] += bool(hit)
        code = process.wait(300)
        assert code in {"trainings": (0, 1), "fork server": (0,), "none": (0,)}.get(kind, (0, -signal.SIGKILL))
        wait_until_nothing_is_left(checkout)
        if code == 0:
            assert records(checkout.root / RESULTS) == expected
            shutil.rmtree(checkout.root / RESULTS)
        else:
            checkout.snakemake("--unlock", *STUDY, f"results_dir={RESULTS}")
    assert all(kills.values())
    outcome = "no process is left; after --unlock the next run resumes: same bytes"
    how = "at a random moment, again and again until the study is done"
    what = "kill -9 of snakemake, alone or with its children, of the fork server, and of trainings"
    table.append((what, how, outcome))


def wait_until_nothing_is_left(checkout) -> None:
    deadline = time.monotonic() + 30
    while left := of_checkout(checkout):
        assert time.monotonic() < deadline, [process.cmdline() for process in left]
        time.sleep(0.1)
