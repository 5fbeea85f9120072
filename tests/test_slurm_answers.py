import os
import time

import pytest
from transferability.slurm import job_deadline, job_is_ending, seconds_left


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
    slurm("10:00")
    assert job_deadline(runtime=1) - time.monotonic() == pytest.approx(600, abs=5)
    slurm("UNLIMITED")
    assert job_deadline(runtime=1) == float("inf")
    slurm("INVALID")
    assert job_deadline(runtime=2) - time.monotonic() == pytest.approx(120, abs=5)
    assert "does not tell the walltime" in caplog.text


@pytest.mark.parametrize(("answer", "ending"), [("RUNNING", False), ("COMPLETING", True), ("", False)])
def test_a_job_that_slurm_is_ending_is_told_apart(slurm, answer, ending):
    slurm(answer)
    assert job_is_ending() is ending
