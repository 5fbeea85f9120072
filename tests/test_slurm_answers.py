import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from transferability.common.errors import InputError
from transferability.jobs.slurm import cancel_left_behind, check_slurm_answers, job_deadline


def test_outside_of_slurm_there_is_no_deadline(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert job_deadline(runtime=1) == float("inf")


def test_slurm_is_asked_and_the_jobs_own_runtime_counts_where_it_does_not_answer(tmp_path, monkeypatch, caplog):
    """Of a job array squeue lists all tasks for the number of any."""
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    ends = [(datetime.now() + timedelta(seconds=left)).isoformat(timespec="seconds") for left in (9000, 600)]
    for answer, left in ((f"8 {ends[0]}\n7 {ends[1]}\n9 {ends[0]}", 600), ("7 N/A", 120), ("", 120), ("8 N/A", 120)):
        caplog.clear()
        plant(tmp_path, monkeypatch, squeue=f"echo '{answer}'")
        assert job_deadline(runtime=2) - time.monotonic() == pytest.approx(left, abs=5)
        assert ("does not tell when" in caplog.text) == (left == 120)


RULE = "rule_train_transfer_wildcards_random-0_A3B"  # a comment as Snakemake's plugin gives it


def plant(folder: Path, monkeypatch, **programs: str) -> None:
    """Put programs of Slurm's, shell scripts, first in the path."""
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name, does in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def cancelled(tmp_path, monkeypatch):
    """A cluster with jobs of this user in its queue; gives what is cancelled of them."""
    monkeypatch.chdir(tmp_path)

    def cancel(jobs: list[str], submitted: set[str], *progress: dict) -> str:
        queue = "\n".join(jobs)
        plant(tmp_path, monkeypatch, squeue=f"echo '{queue}'", scancel="echo $@ >> cancelled")
        cancel_left_behind(submitted, progress)
        return (tmp_path / "cancelled").read_text().strip() if (tmp_path / "cancelled").exists() else ""

    return cancel


def test_jobs_that_a_killed_snakemake_left_behind_are_cancelled_and_no_others(cancelled, tmp_path, capsys):
    jobs = [f"{numbers}|{RULE}|{tmp_path}" for numbers in ("1|1", "2_1|7", "2_2|8", "3|3")]
    assert cancelled(jobs, {"1", "2_1", "4"}, {"slurm_job": "8"}, {"slurm_job": ""}) == "1 2_1 2_2"
    assert "cancels 3 Slurm jobs that a snakemake left behind here: 1 2_1 2_2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("job", "slurm_job"),
    [
        ("7|7|my own|HERE", "7"),
        (f"7|7|{RULE}|/elsewhere", "7"),
        (f"7|7|{RULE}|/elsewhere|HERE", "7"),
        ("7|7", "7"),
        (f"7|7|{RULE}|HERE", ["7"]),
    ],
)
def test_a_stale_or_planted_progress_file_cancels_nothing_else(cancelled, tmp_path, job, slurm_job):
    """Its number is that of another job by now: of other work, or of another directory."""
    assert cancelled([job.replace("HERE", str(tmp_path))], set(), {"slurm_job": slurm_job}) == ""


def test_where_jobs_are_not_slurms_nothing_is_cancelled(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    cancel_left_behind({"1"}, [])
    assert "no Slurm answers" in caplog.text


@pytest.mark.parametrize(
    ("sinfo", "reason"),
    [
        ("echo 'sinfo: error: one' >&2; echo 'sinfo: fatal: no source' >&2; exit 1", "(sinfo: fatal: no source)"),
        ("exit 1", "returned non-zero exit status 1"),
        (None, "No such file or directory: 'sinfo'"),
    ],
)
def test_where_no_slurm_answers_one_error_says_why_and_what_to_do(tmp_path, monkeypatch, sinfo, reason):
    plant(tmp_path, monkeypatch, **({"sinfo": sinfo} if sinfo else {}))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as error:
        check_slurm_answers()
    assert reason in str(error.value) and "leave out --profile slurm" in str(error.value)


def test_a_slurm_that_answers_is_no_error(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch, sinfo="echo main")
    check_slurm_answers()


def test_the_profile_says_that_no_slurm_answers_before_it_submits_anything(checkout, monkeypatch, tmp_path):
    plant(tmp_path, monkeypatch, sinfo="exit 1")
    run = checkout.snakemake("--profile", "slurm", "--config", "results_dir=results/nowhere", check=False)
    assert run.returncode != 0
    assert "no Slurm answers on this machine" in run.stdout
    assert "Traceback" not in run.stdout and not (checkout.root / "results/nowhere/logs").exists()
