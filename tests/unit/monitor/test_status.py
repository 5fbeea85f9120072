import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.conftest import SMOKE
from transferability.common.checksums import fingerprint
from transferability.common.errors import InputError
from transferability.jobs.provenance import as_text, not_known
from transferability.jobs.study_list import write_networks
from transferability.monitor.status import failed_steps, page, read_report, seconds_left, study_status
from transferability.study.files import Results
from transferability.study.network import Network

NOW = 1_000_000.0
NAMES = ["baseA", "A1B", "A2B", "A3B", "A4B", "A5B", "A6B", "A7B"]
STATES = ["done", "running", "failed", "failed", "failed", "waiting", "stopped", "waiting"]
INDEX_ERROR = "2026-01-01 00:00:00 reads\n2026-01-01 00:00:01 error: /images: no image\n/images/b: no image\n"


@pytest.fixture
def results(tmp_path):
    """A study in which one network is done, one runs, one died, two failed, one waits, one stopped, one is not due."""
    networks = [Network.parse("random-0", name) for name in NAMES]
    write_networks(SimpleNamespace(results=Results(tmp_path), networks=networks, controls=set()), networks[:-1])
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
    stopped = "random-0/A6B: stopped before its walltime is over at iteration 7; run again to resume from A6B.pt"
    (logs / "A6B.log").write_text(f"2026-01-01 00:00:00 error: {stopped}\n")
    return tmp_path


def test_every_network_has_a_state_and_why(results):
    status = study_status(results, NOW).set_index("network")
    assert status["state"].to_dict() == dict(zip(NAMES, STATES, strict=True))
    assert status.loc["A1B", "detail"] == "25 %, 1,234 images/s, 1:02:05 left, on node7, NVIDIA H100"
    assert status.loc["A2B", "detail"] == "no progress reported for 10 min, at 25 %"
    assert status.loc["A3B", "detail"] == "the loss is not finite"
    assert status.loc["A4B", "detail"] == "ValueError: odd"
    assert status.loc["A5B", "detail"] == ""
    assert status.loc["A6B", "detail"].startswith("random-0/A6B: stopped before its walltime is over at iteration 7")
    assert status.loc["A7B", "detail"] == "not requested by the last run"


@pytest.mark.parametrize("how", ["stopped by Ctrl-C", "random-0/A3B: stopped by SIGTERM; it had not begun to train"])
def test_what_a_person_stopped_has_not_failed(results, how):
    (results / "logs" / "train" / "random-0" / "A3B.log").write_text(f"2026-01-01 00:00:00 error: {how}\n")
    (results / "logs" / "pack.log").write_text(f"2026-01-01 00:00:00 error: {how}\n")
    status = study_status(results, NOW).set_index("network")
    assert status.loc["A3B", ["state", "detail"]].tolist() == ["stopped", how]
    assert failed_steps(results) == []


def test_no_name_forges_a_line_or_steers_the_terminal(results):
    """Of a class in an error, a file in a step, a device; programs get them as they are."""
    forgery = "x\n  random-0/A7B: all is well\x1b[2J\r\x9b"
    for place in ("train/random-0/A3B.log", f"import/{forgery.replace('/', '')}.log"):
        (results / "logs" / place).parent.mkdir(exist_ok=True)
        (results / "logs" / place).write_text(f"2026-01-01 00:00:01 error: {forgery}\n")
    progress = {"doing": f"reads {forgery}", "host": forgery, "pid": 1, "written": NOW - 5}
    (results / "state" / "random-0" / "A5B.progress").write_text(json.dumps(progress))
    report = read_report(results, NOW)
    told, steps = page(report), [failure["step"] for failure in report["failures"]]
    assert not re.search(r"[^\n -~]", told) and "\n  random-0/A7B: all" not in told
    assert "\\x1b[2J\\r\\x9b" in told
    assert steps == [f"import {forgery.replace('/', '')}"]


def test_a_network_that_ends_worse_than_by_guessing_is_listed(results):
    """As in the study whose drawn classifiers a short training did not undo: losses of 2.3 with two classes."""
    record = {"classes": 2, "loss": 2.3}
    file = results / "accuracy" / "random-0" / "baseA.json"
    for loss, doubt in ((2.3, "its last validation loss, 2.30, is above that of guessing, 0.69"), (0.6, "")):
        record = {"classes": 2, "loss": loss}
        file.write_text(json.dumps(record | {"checksum": fingerprint(record)}))
        report = read_report(results, NOW)
        [base] = [network for network in report["networks"] if network["network"] == "baseA"]
        assert (base["state"], base["detail"]) == ("done", doubt)
        assert (f"doubtful:\n  random-0/baseA: {doubt}" in page(report)) == bool(doubt)


def test_steps_that_fail_are_failures_too(results):
    """The index, a split, an import and a figure of the paper failed; packing went well."""
    for name in ("index", "split/random-0", "import/given-imagenet-0", "paper/figure2"):
        (results / "logs" / name).parent.mkdir(exist_ok=True)
        (results / "logs" / f"{name}.log").write_text(INDEX_ERROR)
    (results / "logs" / "pack.log").write_text("2026-01-01 00:00:00 packed 10 images\n")
    found = failed_steps(results)
    assert [failure.step for failure in found] == [
        *("import given-imagenet-0", "index", "paper figure2", "split random-0"),
    ]
    assert found[1].error == "/images: no image\n/images/b: no image"
    assert f"  index: /images: no image (log: {results}/logs/index.log)" in page(read_report(results, NOW))


def test_the_end_is_expected_from_what_others_took(results):
    """One job at a time: 3725 s for the one that runs; for the one that waits and the one that stopped as it takes in
    all; then, as another of the treatment took 100 s in one go, the mean of both."""
    one = 3725 / 0.75
    assert seconds_left(study_status(results, NOW)) == pytest.approx(3725 + 2 * one)
    for folder in ("accuracy", "provenance"):
        (results / folder / "random-0").mkdir(parents=True, exist_ok=True)
    (results / "accuracy" / "random-0" / "A7B.json").write_text("{}")
    for resumed_at, usual in ((0, (100 + one) / 2), (8, one)):
        times = not_known("mark") | {"seconds": 100, "resumed_at_iteration": resumed_at}
        (results / "provenance" / "random-0" / "A7B.json").write_text(as_text(times))
        status = study_status(results, NOW)
        assert seconds_left(status) == pytest.approx(3725 + 2 * usual)
    assert seconds_left(status[status["state"] != "running"]) is None


def test_the_page_names_what_is_not_requested_and_when_all_is_done(results):
    lines = page(read_report(results, NOW)).splitlines()
    assert "not requested by the last run: 1 of the waiting networks" in lines
    assert any(line.startswith("about 4 h left, until 1970-01-1") for line in lines)
    assert lines.index("running:") < lines.index("stopped:") < lines.index("failed:")
    assert "  random-0/A1B: 25 %, 1,234 images/s, 1:02:05 left, on node7, NVIDIA H100" in lines


def test_a_job_that_does_not_train_yet_runs(results):
    progress = {"doing": "reads its images", "host": "node7", "pid": 1, "written": NOW - 5}
    (results / "state" / "random-0" / "A5B.progress").write_text(json.dumps(progress))
    status = study_status(results, NOW).set_index("network")
    assert status.loc["A5B", ["state", "detail", "share"]].tolist() == ["running", "reads its images, on node7", 0]


def test_the_command_sums_up_by_treatment(results):
    printed = run(results)
    assert printed.splitlines()[0].split() == ["state", "done", "running", "stopped", "failed", "waiting", "all"]
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()[1:6] if line.strip()}
    assert rows["all"] == ["1", "0", "1", "4", "2", "8"]  # by now the running one is silent
    assert "random-0/A3B: the loss is not finite" in printed


def run(*arguments) -> str:
    """What transferability-status prints, where there is no terminal."""
    program = [sys.executable, "-c", "from transferability.monitor.status import main; main()", *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


def test_programs_read_json(results):
    (results / "logs" / "index.log").write_text(INDEX_ERROR)
    told = read_report(results, NOW)
    assert json.loads(json.dumps(told)) == told
    assert told["counts"] == {"done": 1, "running": 1, "stopped": 1, "failed": 3, "waiting": 2, "not_requested": 1}
    assert told["treatments"]["base"]["done"] == told["treatments"]["transfer"]["not_requested"] == 1
    assert (told["time"], told["expected_end"]) == ("1970-01-12T13:46:40+00:00", "1970-01-12T17:34:18+00:00")
    assert told["failures"] == [
        {
            "step": "index",
            "error": "/images: no image\n/images/b: no image",
            "log": str(results / "logs" / "index.log"),
        }
    ]
    networks = {network.pop("network"): network for network in told["networks"]}
    assert networks["A1B"].pop("detail").startswith("25 %")
    common = {"split": "random-0", "treatment": "transfer"}
    assert networks["A1B"] == common | {"state": "running", "requested": True, "share": 0.25, "seconds_left": 3725}
    assert networks["A7B"]["requested"] is False and networks["A7B"]["seconds_left"] is None
    assert json.loads(run(results, "--json"))["counts"]["done"] == 1


def test_help_explains_the_states(results):
    told = run("--help")
    assert all(f"\n  {state} " in told for state in ("done", "running", "stopped", "failed", "waiting"))


def test_a_study_without_an_index_says_so(checkout, tmp_path):
    """Only Figure 2 was asked for, of a set that has no images."""
    (tmp_path / "images" / "train").mkdir(parents=True)
    settings = ("--config", f"dataset={{layout: imagefolder, root: {tmp_path}/images}}", "results_dir=results/none")
    checkout.snakemake("results/none/figure2.pdf", *SMOKE, *settings, check=False)
    told = json.loads(run(checkout.root / "results" / "none", "--json"))
    assert [failure["step"] for failure in told["failures"]] == ["index"]
    assert str(tmp_path / "images") in told["failures"][0]["error"]
    waits = {(network["split"], network["requested"]) for network in told["networks"]}
    assert waits == {("random-0", True), ("random-0", False), ("manmade-natural", False), ("whole", False)}


def test_in_a_wrong_directory_the_studies_near_it_are_named(tmp_path):
    study = tmp_path / "results" / "mine"
    write_networks(SimpleNamespace(results=Results(study), networks=[], controls=set()), [])
    (study / "accuracy").mkdir()
    for wrong in (tmp_path, tmp_path / "results", study / "accuracy", tmp_path / "reslts"):
        with pytest.raises(InputError, match=f"no study has run here; give the directory of one: {study}$"):
            study_status(wrong, NOW)


def test_a_directory_without_a_study_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no study has run here"):
        study_status(tmp_path, NOW)
