import json
import subprocess
import sys

import pytest

from transferability.common.errors import InputError
from transferability.jobs.status import study_status, write_networks
from transferability.study.network import Network

NOW = 1_000_000.0
NAMES = ["baseA", "A1B", "A2B", "A3B", "A4B", "A5B"]


@pytest.fixture
def results(tmp_path):
    """A study in which one network is done, one runs, one died, one failed, one stopped, and one waits."""
    write_networks(tmp_path, [Network.parse("random-0", name) for name in NAMES])
    for folder in ("accuracy", "state", "logs/train"):
        (tmp_path / folder / "random-0").mkdir(parents=True)
    (tmp_path / "accuracy" / "random-0" / "baseA.json").write_text("{}")
    progress = {"iteration": 250, "iterations": 1000, "images_per_s": 1234.5, "seconds_left": 3725}
    progress |= {"host": "node7", "device": "NVIDIA H100", "pid": 1}
    for name, written in (("A1B", NOW - 5), ("A2B", NOW - 600)):
        (tmp_path / "state" / "random-0" / f"{name}.progress").write_text(json.dumps(progress | {"written": written}))
    logs = tmp_path / "logs" / "train" / "random-0"
    (logs / "A3B.log").write_text(
        "2026-01-01 00:00:00 A3B: iteration 1\n2026-01-01 00:00:01 error: the loss is not finite\n"
    )
    (logs / "A4B.log").write_text("2026-01-01 00:00:00 unexpected error\nTraceback ...\nValueError: odd\n")
    return tmp_path


def test_every_network_has_a_state_and_why(results):
    status = study_status(results, NOW).set_index("network")
    assert status["state"].to_dict() == dict(
        zip(NAMES, ["done", "running", "failed", "failed", "failed", "waiting"], strict=True)
    )
    assert status.loc["A1B", "detail"] == "25%, 1,234 images/s, 1:02:05 left, on node7, NVIDIA H100"
    assert status.loc["A2B", "detail"] == "no sign of life for 10 min, at 25%"
    assert status.loc["A3B", "detail"] == "the loss is not finite"
    assert status.loc["A4B", "detail"] == "ValueError: odd"


def test_a_job_that_does_not_train_yet_runs(results):
    progress = {"doing": "reads its images", "host": "node7", "pid": 1, "written": NOW - 5}
    (results / "state" / "random-0" / "A5B.progress").write_text(json.dumps(progress))
    status = study_status(results, NOW).set_index("network")
    assert status.loc["A5B", ["state", "detail", "share"]].tolist() == ["running", "reads its images, on node7", 0]


def test_the_command_sums_up_by_treatment(results):
    command = [sys.executable, "-c", "from transferability.jobs.status import main; main()", results]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[0].split() == ["state", "done", "running", "failed", "waiting", "all"]
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()[1:6] if line.strip()}
    assert rows["all"] == ["1", "0", "4", "1", "6"]  # by now the running one is silent
    assert "random-0/A3B: the loss is not finite" in printed


def test_a_directory_without_a_study_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no study has run here"):
        study_status(tmp_path, NOW)
