"""Faults injected into trainings. After each, results are those of an undisturbed one, or one clear error says why."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.faults.conftest import held, slowed, small_disk
from transferability.common.errors import InputError
from transferability.jobs.accuracy_file import read_record
from transferability.results.accuracies import collect
from transferability.runtime.checkpoints import load_checkpoint, save_checkpoint
from transferability.runtime.finished_copies import Products
from transferability.runtime.locks import file_lock

KILLS = 50


def flip(path, at: float) -> None:
    """Flip one bit of a file, at a share of its length."""
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def truncate(path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def test_kill_at_random_moments(study, undisturbed, table):
    """In whatever they do: starting, training, testing, saving, writing results."""
    study.train_under_kills(KILLS, 6, undisturbed)
    table.append(("kill -9 at a random moment", f"{KILLS} times, over baseA and A3B+, until done", "same bytes"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signals(study, undisturbed, table, number):
    told = study.root / "told"
    process = study.start("A3B+", before=held(told.exists, at=12))
    study.wait_for_state("A3B+")
    while "iteration 10/60" not in study.log("A3B+"):  # it has tested once, too
        assert process.is_alive()
        time.sleep(0.02)
    os.kill(process.pid, number)
    told.touch()
    process.join(60)
    assert process.exitcode == 1
    assert f"error: random-0/A3B+: stopped by {number.name} at iteration" in study.log("A3B+")
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    table.append((number.name, "while training", "ends with a message, state saved; the next run resumes: same bytes"))


def test_deadline(study, undisturbed, table):
    """A squeue that says how much time is left: the reserve and a little more."""
    squeue = study.root / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text("#!/bin/sh\necho 1 0:31\n")
    squeue.chmod(0o755)

    def under_slurm():
        os.environ.update(SLURM_JOB_ID="1", PATH=f"{squeue.parent}{os.pathsep}{os.environ['PATH']}")
        slowed()

    assert study.run("A3B+", before=under_slurm) == 1
    assert "stopped before its walltime is over at iteration" in study.log("A3B+")
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    outcome = "ends with a message in time, state saved; the next run resumes: same bytes"
    table.append(("walltime over", "Slurm says that 31 s are left, 30 of them are the reserve", outcome))


@pytest.mark.parametrize("damage", ["truncated", "bit flipped", "of another configuration", "both truncated"])
def test_damaged_state(study, undisturbed, table, damage):
    process = study.start("A3B+", before=held())
    previous = study.wait_for_state("A3B+", ".previous")
    path = study.wait_for_state("A3B+")
    process.kill()
    process.join()
    before = path.stat().st_size
    if damage == "bit flipped":
        flip(path, 0.5)
    elif damage == "of another configuration":
        for file in (path, previous):
            state = torch.load(file, weights_only=True)
            save_checkpoint(file, state | {"mark": "another"})
        previous.with_name(previous.name + ".previous").unlink(missing_ok=True)
    else:
        for file in (path, previous) if damage == "both truncated" else (path,):
            truncate(file)
    assert before > 1000
    study.forget("A3B+")
    assert study.run("A3B+") == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    assert "not resuming from" in study.log("A3B+")
    fallback = "the one before is resumed" if damage in ("truncated", "bit flipped") else "training starts again"
    table.append((f"state {damage}", "between two runs", f"passed over with a warning, {fallback}: same bytes"))


@pytest.mark.parametrize("damage", [truncate, lambda path: flip(path, 0.7)], ids=["truncated", "bit flipped"])
@pytest.mark.parametrize("file", ["baseA.safetensors", "store.npy", "store.crc32.npy", "manifest.csv", "index.csv"])
def test_damaged_inputs(study, undisturbed, table, request, file, damage):
    damage(study.root / file)
    assert study.run("A3B+") == 1
    log = study.log("A3B+")
    assert "Traceback" not in log
    error = log.split("error: ")[-1]
    assert file.replace("crc32.", "") in error.replace("crc32.", "")
    assert "delete" in error and "run again" in error
    assert not study.products("A3B+").accuracy.exists()
    shutil.copy(undisturbed.root / file, study.root / file)
    assert study.run("A3B+") == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    what = request.node.callspec.id.split("-")[-1]
    what = what if what in ("truncated", "bit flipped") else request.node.callspec.id.split("-")[0]
    table.append((f"{file} {what}", "before a run", "an error that names the file and says to delete it"))


@pytest.mark.parametrize("damage", [truncate, lambda path: flip(path, 0.3)], ids=["truncated", "bit flipped"])
def test_damaged_accuracy(study, undisturbed, table, request, damage):
    file = study.products("A3B+").accuracy
    file.write_bytes(undisturbed.products("A3B+").accuracy.read_bytes())
    damage(file)
    with pytest.raises(InputError, match=r"A3B\+\.json is damaged .*delete it and run again"):
        collect({file: study.mark("A3B+")}, set())
    what = request.node.callspec.id
    table.append(
        (f"accuracy file {what}", "before it is collected", "an error that names the file and says to delete it")
    )


def test_full_disk(study, undisturbed, table):
    """States and results lie on a small disk that is full in the middle of a training."""
    with small_disk(study.root / "small", 3) as disk:
        study.forget("A3B+")
        study.products = lambda name: Products(disk / "A3B+.json", disk / "A3B+.provenance.json")
        (study.root / "state").symlink_to(disk)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"0" * 4096)
        assert study.run("A3B+", state_seconds=0.0) == 1
        log = study.log("A3B+")
        assert "cannot save the state" in log and "training continues" in log
        assert "No space left on device" in log and "free disk space and run again" in log
        filler.unlink()
        assert study.run("A3B+") == 0
        assert (disk / "A3B+.json").read_bytes() == undisturbed.results("A3B+")[0]
    outcome = "warns, trains on, ends with an error that says to free space; then the next run: same bytes"
    table.append(("disk full", "a disk of 3 MB for states and results", outcome))


def test_unwritable_directory(study, undisturbed, table):
    with small_disk(study.root / "small", 3) as disk:
        study.products = lambda name: Products(disk / "A3B+.json", disk / "A3B+.provenance.json")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert study.run("A3B+") == 1
        log = study.log("A3B+")
        assert "Read-only file system" in log and "make it readable and writable, and run again" in log
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert study.run("A3B+") == 0
        assert (disk / "A3B+.json").read_bytes() == undisturbed.results("A3B+")[0]
    table.append(
        ("directory not writable", "a disk mounted read-only", "an error that says so; then the next run: same bytes")
    )


def test_input_deleted_while_running(study, undisturbed, table):
    process = study.start("A3B+", before=held(lambda: not (study.root / "baseA.safetensors").exists()))
    study.wait_for_state("A3B+")
    for name in ("store.npy", "manifest.csv", "index.csv", "baseA.safetensors"):
        (study.root / name).unlink()
    process.join(60)
    assert process.exitcode == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    table.append(("inputs deleted", "store, index, manifest and weights, in the middle of a training", "same bytes"))


def test_loss_that_is_not_finite(study, table):
    assert study.run("A3B+", state_seconds=0.0, learning_rate=1e5, evaluate_every="30 iterations") == 1
    assert "error: random-0/A3B+: the loss is not finite at iteration" in study.log("A3B+")
    for path in study.states("A3B+"):
        mark = torch.load(path, weights_only=True)["mark"]
        weights = load_checkpoint(path, mark)["network"]
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())
    outcome = "an error that names network and iteration; the last good state stays"
    table.append(("loss not finite", "a learning rate of 100,000", outcome))


def test_two_processes_train_the_same_network(study, table):
    first = study.start("A3B+", before=held(lambda: "waiting for another process" in study.log("A3B+")))
    study.wait_for_state("A3B+")
    second = study.start("A3B+")
    for process in (first, second):
        process.join(60)
        assert process.exitcode == 0
    log = study.log("A3B+")
    assert "waiting for another process that trains this network" in log
    assert "is finished with this recipe, code and data: restored, not trained again" in log
    assert read_record(study.products("A3B+").accuracy)["network"] == "A3B+"
    outcome = "the second waits, finds the network finished and puts that in place"
    table.append(("two processes for one network", "as after kill -9 of snakemake, which leaves its jobs", outcome))


def test_two_snakemakes_at_once(checkout, table):
    results, target = checkout.root / "results/twice", "results/twice/accuracy/random-0/baseA.json"
    settings = ("--configfile", "config/smoke.yaml", "--config", "results_dir=results/twice")
    log = results / "logs/train/random-0/baseA.log"
    with ThreadPoolExecutor() as pool:
        with file_lock(results / "state/random-0/baseA.lock", "trains this network"):  # the first waits for that
            first = pool.submit(checkout.snakemake, target, *settings)
            deadline = time.monotonic() + 120
            while not (log.exists() and "waiting for another process" in log.read_text()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            second = checkout.snakemake(target, *settings, check=False)
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stdout
        assert first.result(120).returncode == 0
    assert (checkout.root / target).exists()
    outcome = "the second ends with a message that the directory is locked, the first continues"
    table.append(("two snakemakes at once", "the same command in the same directory", outcome))


@pytest.mark.parametrize("jump", [-86400.0, 86400.0], ids=["back", "forward"])
def test_clock_jumps(study, undisturbed, table, jump):
    def jumping():
        clock, calls = time.time, iter(range(10**9))
        time.time = lambda: clock() + jump * (next(calls) % 2)

    assert study.run("A3B+", before=jumping, state_seconds=0.0) == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    seconds = json.loads(study.products("A3B+").provenance.read_text())["seconds"]
    assert 0 < seconds < 60
    direction = "back" if jump < 0 else "forward"
    table.append((f"clock jumps {direction}", "by a day, at every other look", "same bytes, durations right"))


def test_no_pickle_is_loaded(study, table):
    """An object array in place of the store, which numpy would have to unpickle."""
    np.save(study.root / "store.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert study.run("A3B+") == 1
    assert "store.npy is damaged, or was not packed from" in study.log("A3B+")
    table.append(
        ("a pickle in place of the store", "a numpy array of objects", "refused, an error that names the file")
    )
