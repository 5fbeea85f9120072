import os
import time

import pytest

from transferability.common.errors import InputError
from transferability.jobs.slurm import cancel_left_behind, check_slurm_answers, job_deadline, seconds_left


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A squeue that answers what it is told to."""

    def answer(text: str) -> None:
        squeue = tmp_path / "squeue"
        squeue.write_text(f"#!/bin/sh\necho '{text}'\n")
        squeue.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("SLURM_JOB_ID", "7")

    return answer


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [("0:31", 31), ("12:00", 720), ("2:03:04", 7384), ("1-02:03:04", 93784), ("INVALID", None), ("", None)],
)
def test_squeues_time_left_is_read(answer, seconds):
    assert seconds_left(answer) == seconds


def test_outside_of_slurm_there_is_no_deadline(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert job_deadline(runtime=1) == float("inf")


def test_slurm_is_asked_and_the_jobs_own_runtime_counts_where_it_does_not_answer(slurm, caplog):
    slurm("7 10:00")
    assert job_deadline(runtime=1) - time.monotonic() == pytest.approx(600, abs=5)
    slurm("7 UNLIMITED")
    assert job_deadline(runtime=1) == float("inf")
    slurm("7 INVALID")
    assert job_deadline(runtime=2) - time.monotonic() == pytest.approx(120, abs=5)
    assert "does not tell the walltime" in caplog.text


def test_of_a_job_array_the_own_task_counts(slurm):
    """squeue lists all tasks for the number of any; by itself, the first has 297 s left."""
    slurm("8 1:39:00\n7 4:57\n9 1:39:00")
    assert job_deadline(runtime=1) - time.monotonic() == pytest.approx(297, abs=5)


def test_jobs_that_a_killed_snakemake_left_behind_are_cancelled_and_no_others(slurm, tmp_path, capsys):
    slurm("1 1\n2_1 7\n2_2 8\n3 3")
    cancelled = tmp_path / "cancelled"
    (tmp_path / "scancel").write_text(f"#!/bin/sh\necho $@ >> {cancelled}\n")
    (tmp_path / "scancel").chmod(0o755)
    cancel_left_behind({"1", "2_1", "8", "4"})
    assert cancelled.read_text() == "1 2_1 2_2\n"
    assert "cancels 3 Slurm jobs that a snakemake left behind here: 1 2_1 2_2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sinfo", "reason"),
    [
        ("echo 'sinfo: error: one' >&2; echo 'sinfo: fatal: no source' >&2; exit 1", "(sinfo: fatal: no source)"),
        ("exit 1", "()"),
        (None, "(there is no program sinfo)"),
    ],
)
def test_where_no_slurm_answers_one_error_says_why_and_what_to_do(tmp_path, monkeypatch, sinfo, reason):
    monkeypatch.setenv("PATH", str(tmp_path))
    if sinfo is not None:
        (tmp_path / "sinfo").write_text(f"#!/bin/sh\n{sinfo}\n")
        (tmp_path / "sinfo").chmod(0o755)
    with pytest.raises(InputError) as error:
        check_slurm_answers()
    assert reason in str(error.value) and "leave out --profile slurm" in str(error.value)


def test_a_slurm_that_answers_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "sinfo").write_text("#!/bin/sh\necho main\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    check_slurm_answers()


def test_the_profile_says_that_no_slurm_answers_before_it_submits_anything(checkout, monkeypatch, tmp_path):
    (tmp_path / "sinfo").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    run = checkout.snakemake("--profile", "slurm", "--config", "results_dir=results/nowhere", check=False)
    assert run.returncode != 0
    assert "no Slurm answers on this machine" in run.stdout
    assert "Traceback" not in run.stdout and not (checkout.root / "results/nowhere/logs").exists()
