"""Finished networks are put back whatever starts a job again, what differs is trained, passing errors cost nothing."""

import contextlib
import errno
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from transferability.common.errors import InputError
from transferability.jobs import checkpoints as state
from transferability.jobs.finished import Finished
from transferability.jobs.locks import training_alone
from transferability.results.accuracies import collect

from .conftest import Study, small_disk

PUT_BACK = "is finished with this recipe, code and data: put back, not trained again"


def trained(study: Study, name: str) -> int:
    """How many times a network was trained, from scratch or on from a state."""
    return study.log(name).count("training, 24 validation images")


@pytest.mark.parametrize("name", ["baseA", "A3B+"])
def test_a_job_that_starts_again_finds_what_it_would_train(study, undisturbed, table, name):
    assert study.run(name) == 0
    study.delete(name)
    assert study.run(name) == 0
    assert study.results(name) == undisturbed.results(name)
    assert trained(study, name) == 1 and PUT_BACK in study.log(name)
    outcome = "put back without training: same bytes"
    table.append((f"{name} started again", "finished, its files deleted as Snakemake does before a job", outcome))


def test_a_setting_changed_and_changed_back(study, undisturbed, table):
    for rate in (0.01, 0.02, 0.01):
        study.delete("A3B+")
        assert study.run("A3B+", rate=rate) == 0
    assert study.results("A3B+") == undisturbed.results("A3B+")
    assert trained(study, "A3B+") == 2
    outcome = "trained for each setting once, then put back: same bytes"
    table.append(("configuration changed and changed back", "another rate, a run, the first rate again", outcome))


def test_states_of_two_settings_do_not_touch_each_other(study, undisturbed, table):
    process = study.start("A3B+")
    first = study.wait_for_state("A3B+")
    process.kill()
    process.join()
    process = study.start("A3B+", rate=0.02)
    while len(study.states("A3B+")) < 2:
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert first.exists() and not list(first.parent.glob("*.set-aside"))
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    outcome = "each resumes from its own state: same bytes"
    table.append(("unfinished under two settings", "killed, another rate, killed, the first again", outcome))


@pytest.mark.parametrize("damage", ["truncated", "bit flipped"])
def test_what_is_kept_and_damaged_is_trained_again(study, undisturbed, table, damage):
    assert study.run("baseA") == 0
    kept = Finished(study.root / "state", "random-0", "baseA").place(study.mark("baseA"), "weights")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(bytes(content) if damage == "bit flipped" else bytes(content[:-10]))
    study.delete("baseA")
    assert study.run("baseA") == 0
    assert "it is not put back" in study.log("baseA") and trained(study, "baseA") == 2
    assert study.results("baseA") == undisturbed.results("baseA")
    table.append((f"finished weights {damage}", "where they are kept", "not put back, trained again: same bytes"))


def test_without_hard_links_copies_are_kept(study, undisturbed, table):
    def no_links():
        os.link = lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "Operation not permitted"))

    assert study.run("baseA", before=no_links) == 0
    study.delete("baseA")
    assert study.run("baseA", before=no_links) == 0
    assert study.results("baseA") == undisturbed.results("baseA") and trained(study, "baseA") == 1
    table.append(("no hard links", "a file system that refuses them", "copies are kept and put back: same bytes"))


PASSING = {
    "stale file handle": lambda: OSError(errno.ESTALE, os.strerror(errno.ESTALE)),
    "input/output error": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "no memory": MemoryError,
    "torch has no memory": lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:119] can't allocate memory"),
}


@pytest.mark.parametrize("kind", PASSING)
def test_a_passing_error_while_a_state_is_read_is_no_damage(study, undisturbed, table, kind):
    process = study.start("A3B+")
    study.wait_for_state("A3B+", ".previous")
    process.kill()
    process.join()

    def failing():
        def refuse(*_, **__):
            raise PASSING[kind]()

        if "torch" in kind:
            torch.load = refuse
        else:
            state._read_checked = refuse

    assert study.run("A3B+", before=failing) == 1
    log = study.log("A3B+")
    assert "run again" in log and "damaged" not in log and "Traceback" not in log
    assert not list((study.root / "state" / "random-0").glob("*.set-aside"))
    assert study.run("A3B+") == 0
    assert "resumed at iteration" in study.log("A3B+")
    assert study.results("A3B+") == undisturbed.results("A3B+")
    outcome = "an error that says so, the state stays; the next run resumes: same bytes"
    table.append((f"state not readable: {kind}", "while it is read", outcome))


INPUTS = ["baseA.safetensors", "store.npy", "store.crc32.npy", "store.json", "manifest.csv", "index.csv"]


@pytest.mark.parametrize("file", [*INPUTS, "manifest.csv.sha256"])
def test_files_of_another_user(study, table, file):
    """An input that may not be read is not damaged: its owner would not like it deleted."""
    (study.root / file).chmod(0)

    def as_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    if os.getuid():
        pytest.skip("needs root, to become another user")
    for folder in (study.root, *study.root.parents[:3]):  # pytest's are for root alone
        folder.chmod(0o777)
    assert study.run("A3B+", before=as_nobody) == 1
    log = study.log("A3B+")
    assert "Permission denied" in log and file in log and "make it readable" in log
    assert "damaged" not in log and "delete" not in log and "Traceback" not in log
    table.append((f"{file} of another user", "its mode 000", "an error that names file, reason and remedy"))


@pytest.mark.parametrize("file", INPUTS)
def test_files_that_are_not_there(study, table, file):
    (study.root / file).unlink()
    assert study.run("A3B+") == 1
    log = study.log("A3B+")
    assert "No such file or directory" in log and file in log and "run again to make it anew" in log
    assert "damaged" not in log and "Traceback" not in log
    table.append((f"{file} not there", "before a run", "an error that names it and says to run again"))


def test_a_stale_accuracy_file_is_not_collected(study, table):
    """As a job leaves it that ended under other settings when its snakemake was gone."""
    assert study.run("A3B+", rate=0.02) == 0
    file = study.products("A3B+").accuracy
    with pytest.raises(InputError, match=r"1 of 1 networks were trained by other code, settings or data .*A3B\+\.json"):
        collect({file: study.mark("A3B+")})
    outcome = "an error that names the files and says to delete them"
    table.append(("accuracy file of other settings", "in the place of this study's", outcome))


FLOCK = """
#include <errno.h>
int flock(int file, int operation) { errno = %s; return -1; }
"""


@pytest.mark.parametrize("error", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks(tmp_path, table, error):
    """A preloaded flock that fails; a first process is killed, a second one on another host must not wait for it."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    (tmp_path / "flock.c").write_text(FLOCK % error)
    library = tmp_path / "flock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "flock.c"], check=True)
    environment = os.environ | {"LD_PRELOAD": str(library)}
    code = "import sys, time; from pathlib import Path; from transferability.jobs.locks import training_alone\n"
    code += "import logging; logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
    code += "with training_alone(Path(sys.argv[1])): print('has it', flush=True); time.sleep(float(sys.argv[2]))"
    command = [sys.executable, "-c", code, str(tmp_path / "A3B.lock")]
    first = subprocess.Popen([*command, "60"], env=environment, stdout=-1, text=True)
    assert "this file system has no locks" in first.stdout.readline()
    assert first.stdout.readline() == "has it\n"
    first.kill()
    first.wait()
    elsewhere = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere; exec "$@"', "-"]
    elsewhere = elsewhere if os.getuid() == 0 else []
    second = subprocess.run([*elsewhere, *command, "0"], env=environment, stdout=-1, text=True, timeout=60)
    assert second.returncode == 0 and "has it" in second.stdout
    outcome = "a warning, and no lock: nobody waits for a dead job"
    table.append((f"no locks ({error})", "a preloaded flock that fails, kill -9, then another host", outcome))


def test_a_lock_file_is_removed_and_still_excludes(tmp_path):
    """Who waits for a lock whose file the holder removes must not hold the removed one."""
    path, held, order = tmp_path / "A3B.lock", tmp_path / "held", []
    code = "import sys, time; from pathlib import Path; from transferability.jobs.locks import training_alone\n"
    code += "with training_alone(Path(sys.argv[1])):\n"
    code += "    Path(sys.argv[2]).open('x').close(); time.sleep(0.3); Path(sys.argv[2]).unlink()"
    jobs = [subprocess.Popen([sys.executable, "-c", code, str(path), str(held)]) for _ in range(4)]
    order = [job.wait(60) for job in jobs]
    assert order == [0] * 4  # 'x' fails where two are in it
    assert not path.exists()


def test_waiting_for_another_job_ends_with_the_walltime(tmp_path):
    def check():
        raise TimeoutError("over")

    with training_alone(tmp_path / "A3B.lock"):
        child = os.fork()
        if child == 0:
            try:
                with training_alone(tmp_path / "A3B.lock", check):
                    os._exit(0)
            except TimeoutError:
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_progress_files_are_not_synced(study, table):
    """Where a sync takes a second, training stood still for 4 of 24 s."""
    synced = study.root / "synced"

    def counting():
        from transferability.jobs import progress

        fsync = os.fsync
        os.fsync = lambda file: (synced.open("a").write(f"{Path(f'/proc/self/fd/{file}').readlink()}\n"), fsync(file))
        progress.EVERY = progress.FIRST = 0.01

    options = {"length": "600 iterations", "test_every": "600 iterations", "state_seconds": 1e6}
    process = study.start("A3B+", before=counting, **options)
    while not (study.root / "state" / "random-0" / "A3B+.progress").exists():
        assert process.is_alive()
        time.sleep(0.005)
    process.join(60)
    assert process.exitcode == 0
    names = {Path(line).name for line in synced.read_text().splitlines()}
    assert "accuracy.unfinished" in names
    assert not any("progress" in name for name in names)
    assert len(synced.read_text().splitlines()) < 20
    table.append(("a slow disk", "syncs counted while progress is written every 10 ms", "none for progress files"))


def test_a_long_test_is_a_sign_of_life(study, table):
    """Progress is written while one iteration or one test takes minutes."""

    def slow():
        from transferability.jobs import progress
        from transferability.training import trainer as training

        progress.EVERY = progress.FIRST = 0.05
        test = training.Trainer.test
        training.Trainer.test = lambda trainer: (time.sleep(3), test(trainer))[1]

    file = study.root / "state" / "random-0" / "A3B+.progress"
    process = study.start("A3B+", before=slow, test_every="60 iterations")
    written = set()
    while process.is_alive():
        if file.exists():
            with contextlib.suppress(OSError, ValueError):
                written.add(json.loads(file.read_text())["written"])
        time.sleep(0.02)
    assert process.exitcode == 0
    assert max(written) - min(written) > 2.5
    assert max(b - a for a, b in itertools.pairwise(sorted(written))) < 1.5
    table.append(("a test of minutes", "each test waits for 3 s", "status sees the job alive throughout"))


def test_files_put_back_twice_leave_nothing(study):
    """Renaming a hard link to another of the same file does nothing, and would leave the first."""
    assert study.run("A3B+") == 0
    assert study.run("A3B+") == 0
    assert not list(study.root.glob("*.unfinished"))


def test_the_mean_image_is_computed_once(study, table):
    assert study.run("baseA") == 0
    study.forget("baseA")
    assert study.run("baseA") == 0
    assert study.log("baseA").count("computing the mean of 72 images") == 1
    [mean] = (study.root / "state" / "means").iterdir()
    mean.write_bytes(mean.read_bytes()[:-5])
    before = study.results("baseA")
    study.forget("baseA")
    assert study.run("baseA") == 0
    assert "damaged" in study.log("baseA") and study.log("baseA").count("computing the mean of 72 images") == 1
    assert study.results("baseA") == before
    table.append(("kept mean image truncated", "between two runs", "a warning, computed again: same bytes"))


def test_a_signal_before_training_ends_a_job_at_once(study, table):
    with training_alone(study.root / "state" / "random-0" / "A3B+.lock"):
        process = study.start("A3B+")
        deadline = time.monotonic() + 20
        while "waits for another process" not in (study.log("A3B+") if (study.root / "A3B+.log").exists() else ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGTERM)
        process.join(20)
    assert process.exitcode == 1
    assert "error: random-0/A3B+: stopped by SIGTERM; it had not begun to train" in study.log("A3B+")
    table.append(("SIGTERM", "while it waits for another process", "ends at once, with a message"))


def test_a_job_ends_with_its_snakemake(study, undisturbed, table):
    """kill -9 of the process that started it."""
    starter = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    options = {"length": "60000 iterations", "state_seconds": 0.1}

    def begin():
        from transferability.common.processes import end_with

        end_with(starter.pid)

    process = study.start("A3B+", before=begin, **options)
    study.wait_for_state("A3B+")
    starter.kill()
    starter.wait()
    process.join(20)
    assert process.exitcode == 1
    assert "stopped by SIGTERM at iteration" in study.log("A3B+")
    outcome = "its trainings save their states and end within a second"
    table.append(("kill -9 of snakemake", "while it trains on the same machine", outcome))


def test_two_users_see_each_others_gpus(table):
    """Whatever their TMPDIR: the second finds the device in use."""
    code = "import os, sys, time; from transferability.jobs.devices import leased_device\n"
    code += "os.setuid(int(sys.argv[2]))\n"
    code += "def full(): print('full', flush=True); sys.exit(0)\n"
    code += "with leased_device([sys.argv[1]], 1, full): print('has it', flush=True); time.sleep(60)"
    if os.getuid():
        pytest.skip("needs root, to become another user")
    device = f"GPU-{os.getpid()}-{socket.gethostname()}"
    command = [sys.executable, "-c", code, device]
    first = subprocess.Popen([*command, "65534"], stdout=-1, text=True)
    assert first.stdout.readline() == "has it\n"
    second = subprocess.run([*command, "65533"], stdout=-1, text=True, env=os.environ | {"TMPDIR": "/nowhere"})
    assert second.stdout == "full\n"
    first.kill()
    first.wait()
    third = subprocess.Popen([*command, "65533"], stdout=-1, text=True)
    assert third.stdout.readline() == "has it\n"
    third.kill()
    table.append(("two users, one GPU", "other TMPDIRs; then kill -9 of the first", "the second waits, then has it"))


def test_a_full_disk_while_finished_files_are_written(study, undisturbed, table):
    """Only the directory of states has room: the results are kept there, and put in place when there is room."""
    with small_disk(study.root / "small", 1) as disk:
        products = study.products

        def on_small_disk(name):
            return type(products(name))(disk / "A3B+.json", disk / "A3B+.provenance.json")

        study.products = on_small_disk
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"0" * 4096)
            except OSError:
                pass
        assert study.run("A3B+") == 1
        assert "No space left on device" in study.log("A3B+") and "free disk space" in study.log("A3B+")
        filler.unlink()
        assert study.run("A3B+") == 0
        assert trained(study, "A3B+") == 1
        assert study.results("A3B+") == undisturbed.results("A3B+")[:1]
    outcome = "an error that says so; the next run puts the finished network in place: same bytes"
    table.append(("disk full at the end", "no room for the accuracy file", outcome))
