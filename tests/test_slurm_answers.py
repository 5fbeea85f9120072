import os
import time

import pytest

from transferability.jobs.slurm import cancel_left_behind, job_deadline, seconds_left


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
