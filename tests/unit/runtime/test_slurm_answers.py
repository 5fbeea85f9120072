import os
import time
from pathlib import Path

import pytest

from transferability.common.errors import InputError
from transferability.runtime.slurm import cancel_left_behind, check_slurm_answers, job_deadline, seconds_left


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
    assert "does not report the time left" in caplog.text


def test_of_a_job_array_the_own_task_counts(slurm):
    """squeue lists all tasks for the number of any; by itself, the first has 297 s left."""
    slurm("8 1:39:00\n7 4:57\n9 1:39:00")
    assert job_deadline(runtime=1) - time.monotonic() == pytest.approx(297, abs=5)


RUN = "5f6a3c1e-0b7d-4a52-9c55-2f1f0c6d8e90"  # as Snakemake's plugin names its jobs
RULE = "rule_train_transfer_wildcards_random-0_A3B"


@pytest.fixture
def cancelled(slurm, tmp_path, monkeypatch):
    """A cluster called "test" with jobs of this user in its queue; gives what is cancelled of them."""
    monkeypatch.chdir(tmp_path)

    def cancel(jobs: list[str], submitted: set[str], *progress: dict) -> str:
        slurm("\n".join(jobs))
        for program, does in (("scancel", "echo $@ >> cancelled"), ("scontrol", "echo 'ClusterName   = test'")):
            (tmp_path / program).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / program).chmod(0o755)
        cancel_left_behind(submitted, progress)
        return (tmp_path / "cancelled").read_text().strip() if (tmp_path / "cancelled").exists() else ""

    return cancel


def trains(job: object, directory: Path, cluster: str = "test") -> dict:
    return {"slurm_job": job, "slurm_cluster": cluster, "directory": str(directory)}


def test_jobs_that_a_killed_snakemake_left_behind_are_cancelled_and_no_others(cancelled, tmp_path, capsys):
    jobs = [f"{numbers}|mine_{RUN}|{RULE}|{tmp_path}" for numbers in ("1|1", "2_1|7", "2_2|8", "3|3")]
    assert cancelled(jobs, {"1", "2_1", "4"}, trains("8", tmp_path)) == "1 2_1 2_2"
    assert "cancelling 3 Slurm jobs left by an earlier snakemake: 1 2_1 2_2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("job", "progress"),
    [
        (f"7|7|interactive|{RULE}|HERE", {}),
        (f"7|7|{RUN}|my own|HERE", {}),
        (f"7|7|{RUN}|{RULE}|/elsewhere", {}),
        (f"7|7|{RUN}|{RULE}|/elsewhere|HERE", {}),
        ("7|7", {}),
        (f"7|7|{RUN}|{RULE}|HERE", {"slurm_cluster": "another"}),
        (f"7|7|{RUN}|{RULE}|HERE", {"slurm_cluster": ""}),
        (f"7|7|{RUN}|{RULE}|HERE", {"directory": "/elsewhere"}),
        (f"7|7|{RUN}|{RULE}|HERE", {"slurm_job": ["7"]}),
    ],
)
def test_a_stale_or_planted_progress_file_cancels_nothing_else(cancelled, tmp_path, job, progress):
    """Its number is that of another job by now: of other work, of another directory, or on another cluster."""
    assert cancelled([job.replace("HERE", str(tmp_path))], set(), trains("7", tmp_path) | progress) == ""


@pytest.mark.parametrize(
    ("sinfo", "reason"),
    [
        ("echo 'sinfo: error: one' >&2; echo 'sinfo: fatal: no source' >&2; exit 1", "(sinfo: fatal: no source)"),
        ("exit 1", "()"),
        (None, "(the program sinfo is not installed)"),
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
    assert "Slurm does not answer on this machine" in run.stdout
    assert "Traceback" not in run.stdout and not (checkout.root / "results/nowhere/logs").exists()
