"""What a run prints that fails, or is stopped by Ctrl-C."""

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest

STUDY = ("--configfile", "config/smoke.yaml", "--config", "network={n: [3]}", "preserved={n: []}")
TARGET = "accuracy/random-splits.csv"


def test_where_a_split_fails_what_does_not_need_it_is_made(checkout, image_tree):
    for folder in image_tree.glob("*/n02084071"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    settings = (f"dataset={{layout: imagefolder, root: {image_tree}}}", "results_dir=results/two")
    run = checkout.snakemake(*STUDY, *settings, check=False)
    assert run.returncode == 1
    assert {log.parent.name for log in (checkout.root / "results/two").glob("logs/train/*/*")} == {"whole"}
    lines = run.stdout.strip().splitlines()
    errors = [line for line in lines if line.startswith("failed")]  # and again at the end, as other lines follow
    assert len(errors) == 2
    why = ("random splits need at least 4 classes, two for each half", "A has 1 of 2 classes; a task needs two or more")
    assert all(
        line.startswith("failed: split ") and any(w in line for w in why) and "(log: results" in line for line in errors
    )
    assert "networks are done; fix this, then run" in lines[-1]


def test_one_failed_training_leaves_the_others_alone_and_a_file_gets_plain_lines(checkout):
    """The lock of one base network is a directory: it fails, and what is copied from it has to wait."""
    settings = (*STUDY, "results_dir=results/half")
    checkout.snakemake("results/half/splits/random-0/A.csv", "results/half/store.npy", *settings)
    (checkout.root / "results/half/state/random-0/baseA.lock").mkdir(parents=True)
    run = checkout.snakemake(f"results/half/{TARGET}", *settings, check=False)
    assert run.returncode == 1
    done = [line for line in run.stdout.splitlines() if line.startswith("[")]
    assert re.fullmatch(r"\[1/12\] random-0/baseB \d+\.\d %, about \d+ (s|min) left", done[0])
    assert len(done) == 6 and done[5].startswith("[6/12] random-0/B")
    assert "1 job failed:\n  random-0/baseA: " in run.stdout
    assert run.stdout.splitlines()[-1].startswith("6 of 12 networks are done")
    assert len(run.stdout.splitlines()) < 20, run.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", run.stdout)


def interrupted(command: list[str], when: str, seconds: float, cwd: Path) -> str:
    """Run a command on a terminal; return what it prints after a Ctrl-C.

    That is typed so many seconds after it has printed what matches `when`.
    """
    process, terminal = pty.fork()
    if process == 0:
        # As on a terminal: what nohup starts ignores it, and tests of jobs' logs in this process have blocked it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.chdir(cwd)
        os.environ["PYTHONPATH"] = str(cwd / "workflow")
        os.execv(command[0], command)
    printed, asked, deadline = b"", 0, time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                printed += os.read(terminal, 65536)
            except OSError:  # it has ended
                break
        if not asked and re.search(when.encode(), printed):
            time.sleep(seconds)
            asked = len(printed)
            os.write(terminal, b"\x03")
    else:
        os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code == 1, printed.decode()
    os.close(terminal)
    return printed[asked:].decode()


@pytest.mark.parametrize("seconds", [0.0, 0.3, 3.0])
def test_ctrl_c_ends_with_one_line(checkout, seconds):
    """It comes before, when or after a job's process is started, of a training that would take days."""
    results = f"results/typed-{seconds}"
    names = [f"{results}/accuracy/{name}.json" for name in ("random-0/baseA", "whole/reduced-0010")]
    slow = "reduced={training: {length: 100000000 iterations, evaluate_every: 1000000 iterations}}"
    command = [sys.executable, "-m", "snakemake", *names, *STUDY, slow, f"results_dir={results}", "--cores", "1"]
    printed = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", interrupted(command, r"\[1/2\]", seconds, checkout.root))
    assert printed.splitlines()[-1] == "stopped: 1 of 2 networks are done; run the same command again to resume"
    assert "Traceback" not in printed and "rror" not in printed
