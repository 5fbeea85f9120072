"""Jobs that wait for each other, show signs of life, and end when nobody waits for them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.faults.conftest import fork, slowed
from transferability.runtime.devices import leased_device
from transferability.runtime.locks import file_lock

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
    code = "import sys, time; from pathlib import Path; from transferability.runtime.locks import file_lock\n"
    code += "import logging; logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
    code += "with file_lock(Path(sys.argv[1]), 'works'): print('has it', flush=True); time.sleep(float(sys.argv[2]))"
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
    code = "import sys, time; from pathlib import Path; from transferability.runtime.locks import file_lock\n"
    code += "with file_lock(Path(sys.argv[1]), 'works'):\n"
    code += "    Path(sys.argv[2]).open('x').close(); time.sleep(0.3); Path(sys.argv[2]).unlink()"
    jobs = [subprocess.Popen([sys.executable, "-c", code, str(path), str(held)]) for _ in range(4)]
    order = [job.wait(60) for job in jobs]
    assert order == [0] * 4  # 'x' fails where two are in it
    assert not path.exists()


def test_waiting_for_another_job_ends_with_the_walltime(tmp_path):
    def check():
        raise TimeoutError("over")

    with file_lock(tmp_path / "A3B.lock", "works"):
        child = os.fork()
        if child == 0:
            try:
                with file_lock(tmp_path / "A3B.lock", "works", check):
                    os._exit(0)
            except TimeoutError:
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_progress_files_are_not_synced(study, table):
    """Where a sync takes a second, training stood still for 4 of 24 s."""
    synced = study.root / "synced"

    def counting():
        from transferability.runtime import progress

        fsync = os.fsync
        os.fsync = lambda file: (synced.open("a").write(f"{Path(f'/proc/self/fd/{file}').readlink()}\n"), fsync(file))
        progress.EVERY = progress.FIRST = 0.01
        slowed()

    process = study.start("A3B+", before=counting, state_seconds=1e6)
    while not (study.root / "state" / "random-0" / "A3B+.progress").exists():
        assert process.is_alive()
        time.sleep(0.005)
    process.join(60)
    assert process.exitcode == 0
    names = {Path(line).name for line in synced.read_text().splitlines()}
    assert "accuracy.unfinished" in names
    assert not any(".progress" in name for name in names)
    assert len(synced.read_text().splitlines()) < 20
    table.append(("a slow disk", "syncs counted while progress is written every 10 ms", "none for progress files"))


def test_a_long_test_is_a_sign_of_life(study, table):
    """Progress is written while one iteration or one test takes minutes: again and again, as often as one waits."""
    file, told = study.root / "state" / "random-0" / "A3B+.progress", study.root / "told"

    def slow():
        from transferability.runtime import progress
        from transferability.training import trainer as training

        progress.EVERY = progress.FIRST = 0.05
        test = training.Trainer.test

        def wait(trainer):
            signs = {}
            while len(signs) < 20:
                with contextlib.suppress(FileNotFoundError):
                    sign = json.loads(file.read_text())
                    signs[sign["written"]] = sign["doing"]
                time.sleep(0.01)
            told.write_text(json.dumps([*signs.values()]))
            return test(trainer)

        training.Trainer.test = wait

    process = study.start("A3B+", before=slow, evaluate_every="60 iterations")
    process.join(120)
    assert process.exitcode == 0
    assert json.loads(told.read_text()) == ["trains"] * 20
    assert not file.exists(), "it goes at the end"
    table.append(("a test of minutes", "each test waits for 20 signs of life", "status sees the job alive throughout"))


def test_a_signal_before_training_ends_a_job_at_once(study, table):
    with file_lock(study.root / "state" / "random-0" / "A3B+.lock", "trains this network"):
        process = study.start("A3B+")
        deadline = time.monotonic() + 60
        while "waiting for another process" not in (study.log("A3B+") if (study.root / "A3B+.log").exists() else ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGTERM)
        process.join(60)
    assert process.exitcode == 1
    assert "error: random-0/A3B+: stopped by SIGTERM; it had not begun to train" in study.log("A3B+")
    table.append(("SIGTERM", "while it waits for another process", "ends at once, with a message"))


def test_a_job_ends_with_its_snakemake(study, undisturbed, table):
    """kill -9 of the process that started it."""
    starter = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    options = {"length": "60000 iterations", "state_seconds": 0.1}

    def begin():
        from transferability.common.worker_pool import end_with

        end_with(starter.pid)

    process = study.start("A3B+", before=begin, **options)
    study.wait_for_state("A3B+")
    starter.kill()
    starter.wait()
    process.join(60)
    assert process.exitcode == 1
    assert "stopped by SIGTERM at iteration" in study.log("A3B+")
    outcome = "its trainings save their states and end within a second"
    table.append(("kill -9 of snakemake", "while it trains on the same machine", outcome))


def test_two_users_see_each_others_gpus(table):
    """Whatever their TMPDIR: the second finds the device in use."""
    if os.getuid():
        pytest.skip("needs root, to become another user")
    device = f"GPU-{os.getpid()}-{socket.gethostname()}"
    said, say = fork.Pipe(duplex=False)

    def lease(user: int) -> None:
        def full():
            say.send("full")
            sys.exit()

        os.setuid(user)
        tempfile.tempdir = os.environ["TMPDIR"] = f"/nowhere/{user}"
        with leased_device([device], 1, full):
            say.send("has it")
            time.sleep(60)

    first, second, third = (fork.Process(target=lease, args=(user,), daemon=True) for user in (65534, 65533, 65533))
    for process, found in ((first, "has it"), (second, "full")):
        process.start()
        assert said.poll(60) and said.recv() == found
    second.join(30)
    first.kill()
    first.join()
    third.start()
    assert said.poll(60) and said.recv() == "has it"
    third.kill()
    third.join()
    table.append(("two users, one GPU", "other TMPDIRs; then kill -9 of the first", "the second waits, then has it"))
