"""What the console says of a run: its lines, from records as Snakemake sends them, and as a user meets them."""

import json
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_plain import SNAKEMAKE, LogHandler
from snakemake_logger_plugin_plain.mistakes import explain
from transferability.common.errors import InputError
from transferability.monitor.console import Job, Run, in_words, step_of
from transferability.runtime.logs import job_log, last_error, printable

SETTINGS = {"printshellcmds": False, "nocolor": False, "quiet": set(), "debug_dag": False, "verbose": False}
SETTINGS |= {"show_failed_logs": True, "stdout": False, "dryrun": False}


def training(name: str, folder: Path | None = None, **more) -> Job:
    log = folder / f"{name}.log" if folder else None
    return Job(f"random-0/{name}", **{"log": log, "accuracy": Path("nowhere")} | more)


def write_log(file: Path, *entries: str) -> Path:
    file.write_text("".join(f"2026-01-01 00:00:{k:02d} {printable(entry)}\n" for k, entry in enumerate(entries)))
    return file


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("results/mine/logs/train/random-0/A3B+.log", "random-0/A3B+"),
        ("results/logs/split/random-0.log", "split random-0"),
        ("/logs/study/logs/figure2.log", "figure2"),
        ("results/paper/logs/figure2.log", "paper figure2"),
        ("results/logs/draw_pictures.log", "draw pictures"),
        ("elsewhere.log", "elsewhere"),
    ],
)
def test_jobs_are_called_as_a_person_calls_them(log, name):
    assert step_of(Path(log)) == name


def test_a_finished_network_has_a_line_with_its_accuracy_and_the_time_left(tmp_path):
    """Of 23 networks 20 are to be trained, two at a time, each for a minute."""
    run = Run()
    run.plan(20, 23)
    accuracy = tmp_path / "A3B+.json"
    accuracy.write_text(json.dumps({"top1": 0.7}))
    for number, name in enumerate(("B3B", "A3B+")):
        assert run.start(number, training(name, accuracy=accuracy), now=1000.0) == ""
    assert run.finish(0, now=1060.0) == "[4/23] random-0/B3B 70.0 %, about 10 min left"
    accuracy.unlink()  # as on a file system that lags behind
    assert run.finish(1, now=1060.0) == "[5/23] random-0/A3B+, about 9 min left"


def test_the_time_left_counts_how_many_are_trained_at_a_time():
    run = Run()
    run.plan(300, 300)
    for number in range(100):
        run.start(number, training("A3B"), now=1000.0)
    assert run.finish(0, now=4600.0).endswith("about 3 h left")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (99, "99 s"), (240, "4 min"), (7200, "2 h"), (86400 * 3, "3 days")]
)
def test_times_are_told_as_precisely_as_they_are_known(seconds, words):
    assert in_words(seconds) == words


def test_a_failed_run_ends_with_a_line_for_each_failed_job(tmp_path):
    run = Run()
    run.plan(2, 2)
    log = write_log(tmp_path / "split.log", "error: split random-0: A has 1 of 2 classes; a task needs two or more")
    run.start(1, Job("split random-0", log), now=0.0)
    run.start(2, training("A3B"), now=0.0)
    told = f"split random-0: A has 1 of 2 classes; a task needs two or more (log: {log})"
    assert run.fail(1) == f"failed: {told}"
    assert run.fail(2, "SLURM status is: 'OUT_OF_MEMORY'") == "failed: random-0/A3B: SLURM status is: 'OUT_OF_MEMORY'"
    rest = "0 of 2 networks are done; fix this, then run the same command again to resume"
    assert run.end() == [rest], "failures that stand in the last lines are told twice"
    run.start(3, training("B3B"), now=0.0)
    assert run.end()[:3] == ["", "2 jobs failed:", f"  {told}"], "failures that scroll away are missing at the end"
    assert run.end()[-1] == rest


def test_a_long_error_and_many_errors_are_cut(tmp_path):
    run = Run()
    listing = "\n".join(f"  image-{k}.jpg: broken" for k in range(50))
    log = write_log(tmp_path / "pack.log", f"error: 50 of 99 images cannot be decoded:\n{listing}")
    run.start(0, Job("pack", log), now=0.0)
    run.fail(0)
    for number in range(1, 30):
        run.start(number, training(f"A{number}B"), now=0.0)
        run.fail(number)
    lines = run.end()
    assert len(lines) < 20
    assert lines[2] == f"  pack: 50 of 99 images cannot be decoded: (log: {log})"
    assert lines[7] == "    and 46 more lines in the log"
    assert "  and 20 more: transferability-status lists all networks" in lines


def test_a_job_that_is_tried_again_has_not_failed(tmp_path):
    run = Run()
    run.plan(1, 1)
    write_log(tmp_path / "A3B.log", "error: random-0/A3B: stopped before its walltime is over")
    job = training("A3B", tmp_path)
    run.start(1, job, now=0.0)
    assert run.fail(1).startswith("failed: random-0/A3B: stopped before its walltime is over (log: ")
    assert run.start(1, job, now=1.0) == "trying again: random-0/A3B"
    assert run.finish(1, now=2.0) == "[1/1] random-0/A3B"
    assert run.end() == []


@pytest.mark.parametrize("said_first", [True, False])
def test_a_stopped_run_ends_with_one_line_and_no_errors(said_first, tmp_path):
    """Also where the job says that it was stopped before Snakemake does."""
    run = Run()
    run.plan(3, 10)
    write_log(tmp_path / "A3B.log", "error: random-0/A3B: stopped by SIGINT at iteration 8")
    run.start(1, training("A3B", tmp_path), now=0.0)
    run.stopped = said_first
    assert run.fail(1) == ""
    assert run.end() == ["stopped: 7 of 10 networks are done; run the same command again to resume"]


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        (["iteration 1", "error: the disk is full"], "the disk is full"),
        (["error: two lines:\n  one\n  two"], "two lines:\n  one\n  two"),
        (["error: an earlier run's", "iteration 2"], ""),
        (["unexpected error\nTraceback ...\nValueError: odd"], "ValueError: odd"),
        ([], ""),
    ],
)
def test_the_last_entry_of_a_log_says_why_a_job_failed(tmp_path, entries, error):
    assert last_error(write_log(tmp_path / "job.log", *entries)) == error
    assert last_error(tmp_path / "nothing.log") == ""


def records(folder: Path) -> list[dict]:
    """What Snakemake sends in a run of one network, which fails."""
    log = folder / "logs/train/random-0/A3B.log"
    log.parent.mkdir(parents=True)
    write_log(log, "error: the loss is not finite")
    info = {"jobid": 1, "rule_name": "train_transfer", "rule_msg": None, "log": [str(log)]}
    info["output"] = ["results/accuracy/random-0/A3B.json"]
    return [
        {"msg": "Building DAG of jobs..."},
        {"msg": "Job stats: ...", "event": LogEvent.RUN_INFO, "stats": {"train_transfer": 1, "total": 1}},
        {"msg": "1 of 1 networks to train", "pathname": "", "networks": (1, 1), "rules": {"train_transfer": 1}},
        {"msg": "Select jobs to execute..."},
        {"msg": "", "event": LogEvent.JOB_INFO, "wildcards": {"split": "random-0", "network": "A3B"}, **info},
        {"msg": "RuleException:\nCalledProcessError in file x, line 1", "event": LogEvent.ERROR},
        {"msg": "Error in rule train_transfer", "event": LogEvent.JOB_ERROR, "jobid": 1, "rule_msg": None},
        {"msg": "MissingOutputException:\nBaseError", "event": LogEvent.ERROR},
        {"msg": "a warning", "levelno": logging.WARNING},
        {"msg": "Exiting because a job execution failed. Look above for error messages", "levelno": logging.ERROR},
        {"msg": "WorkflowError:\nAt least one job did not complete successfully.", "event": LogEvent.ERROR},
    ]


def sent(handler: LogHandler, msg: str, levelno: int = logging.INFO, **more) -> None:
    """Send what Snakemake's own code says; `pathname` is another's."""
    defaults = {"pathname": f"{SNAKEMAKE}/workflow.py", "funcName": "execute"}
    handler.emit(logging.makeLogRecord(defaults | {"msg": msg, "levelno": levelno} | more))


def printed_by(handler: LogHandler, folder: Path) -> None:
    for record in records(folder):
        level = logging.ERROR if record.get("event") in (LogEvent.ERROR, LogEvent.JOB_ERROR) else logging.INFO
        sent(handler, **{"levelno": level} | record)
    handler.close()
    handler.close()


def test_what_snakemake_sends_becomes_lines_without_noise(tmp_path, capsys):
    printed_by(LogHandler(SimpleNamespace(**SETTINGS), None), tmp_path)
    told = f"random-0/A3B: the loss is not finite (log: {tmp_path}/logs/train/random-0/A3B.log)"
    rest = "0 of 1 networks are done; fix this, then run the same command again to resume"
    assert capsys.readouterr().err.splitlines() == [
        *("1 of 1 networks to train", f"failed: {told}", "a warning"),
        *("MissingOutputException:", "  BaseError", rest),
    ]


NOT_A_KEY = "Traceback ...\nValueError: Invalid config definition: Config entry must start with a valid identifier."
NOT_A_PAIR = "... defined as name=value pairs. (Unparsable value: '/x}')"
NOT_THERE = "Traceback ...\n in load_configfile\n\nFileNotFoundError: [Errno 2] No such file or directory: 'no.yaml'"


@pytest.mark.parametrize(
    ("message", "arguments", "explained"),
    [
        (NOT_A_KEY, ["--config", "seed=1", "dataset.root=/x"], "give --config 'dataset={root: /x}'"),
        (
            NOT_A_KEY,
            ["--config", "reduced.training.learning_rate=1"],
            "give --config 'reduced={training: {learning_rate: 1}}'",
        ),
        (NOT_A_PAIR, ["--config", "dataset={root:", "/x}"], "--config: '/x}' is not KEY=VALUE; put quotes around"),
        (NOT_THERE, ["--configfile", "no.yaml"], "--configfile: 'no.yaml' does not exist; targets come before"),
        ("MissingRuleException:\nNo rule to produce x", ["x"], ""),
    ],
)
def test_common_mistakes_are_explained_in_a_line(message, arguments, explained):
    found = explain(message, arguments)
    assert explained in found and bool(found) == bool(explained) and "\n" not in found


@pytest.mark.parametrize("dry", [False, True])
def test_the_explanation_of_a_mistake_stands_in_its_place_or_in_a_dry_run_beside_it(dry, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["snakemake", "--config", "dataset.root=/x"])
    handler = LogHandler(SimpleNamespace(**SETTINGS | {"dryrun": dry}), None)
    sent(handler, NOT_A_KEY, logging.ERROR, event=LogEvent.ERROR)
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("give --config 'dataset={root: /x}'")


def test_what_snakemake_says_of_itself_is_hidden_whatever_its_words_and_nothing_else(capsys):
    """As long as no job has started errors are told at once."""
    handler = LogHandler(SimpleNamespace(**SETTINGS), None)
    for own in ("Building DAG of jobs...", "Migrating .snakemake folder to new format...", "None"):
        sent(handler, own)
    sent(handler, "Job 7 has been submitted", pathname=f"{SNAKEMAKE}_executor_plugin_slurm/__init__.py")
    sent(handler, "Nothing to be done (all requested files are present and up to date).")
    sent(handler, "Unlocked working directory.", funcName="unlock")
    sent(handler, "Select jobs with care", pathname="/study/workflow/rules/common.smk")
    sent(handler, "Falling back to greedy scheduler", logging.WARNING)
    errors = ["Job 7 failed to submit", "host: unknown", "WorkflowError: At least one job is odd"]
    for message in errors:
        sent(handler, message, logging.ERROR)
        sent(handler, message, logging.ERROR, event=LogEvent.ERROR)
    assert capsys.readouterr().err.splitlines() == [
        "Nothing to be done (all requested files are present and up to date).",
        "Unlocked working directory.",
        "Select jobs with care",
        "Falling back to greedy scheduler",
        *(message for message in errors for _ in range(2)),
    ]


FORGERY = "x\n2026-01-01 00:00:00 import weights: all is well\n\x1b[2J\r[1/1] random-0/A3B 99.0 %\u202e\x9b"


def test_no_name_forges_a_log_record_or_steers_a_terminal(tmp_path, capsys):
    """A class, or a tensor, of that name in an error of a job; then on the console."""
    log = tmp_path / "job.log"
    for fault in (InputError(f"class {FORGERY}: no image"), ZeroDivisionError(FORGERY)):
        with pytest.raises(SystemExit), job_log(str(log)):
            raise fault
    read = log.read_text()
    assert not re.search(r"[^\n -~]", read) and "\\x1b[2J\\r[1/1]" in read
    assert len(re.findall(r"^\S", read, re.MULTILINE)) == 2, "each error is one entry"
    with pytest.raises(SystemExit), job_log(str(log)):
        raise InputError(f"class {FORGERY}: no image")
    lines = FORGERY.split("\n")
    assert last_error(log).split("\n") == [f"class {lines[0]}", lines[1], f"{printable(lines[2])}: no image"]
    handler = LogHandler(SimpleNamespace(**SETTINGS), None)
    sent(handler, FORGERY, logging.ERROR, event=LogEvent.ERROR)
    handler.close()
    printed = capsys.readouterr()
    assert printed.err.splitlines() == printable(FORGERY).split("\n") and printed.out == ""
    assert [line[:2] for line in printed.err.splitlines()] == ["x", "  ", "  "]


def test_another_workflows_rule_trains_nothing_of_ours(tmp_path, capsys):
    """Its name says so, and its files lie as ours; only the rules that the workflow tells of are its own."""
    handler = LogHandler(SimpleNamespace(**SETTINGS), None)
    info = {
        "jobid": 1,
        "rule_name": "pretrain_model",
        "rule_msg": None,
        "wildcards": {"x": "y"},
        "log": ["logs/pretrain/y.log"],
    }
    started = {"msg": "", "event": LogEvent.JOB_INFO, "output": ["results/accuracy/x/y.json"], **info}
    networks = {"msg": "1 of 1 networks to train", "pathname": "", "networks": (1, 1), "rules": {"train_base": 1}}
    stats = {"msg": "Job stats: ...", "event": LogEvent.RUN_INFO, "stats": {"pretrain_model": 1, "total": 1}}
    finished = {"msg": "", "event": LogEvent.JOB_FINISHED, "job_id": 1}
    for record in (stats, networks, started, finished):
        sent(handler, **record)
    assert capsys.readouterr().err.splitlines() == ["1 of 1 networks to train", "pretrain y"]


def test_jobs_that_nobody_started_are_no_matter():
    run = Run()
    assert run.finish(7, now=1.0) == ""
    assert run.fail(7).startswith("failed: job 7: ended without an error")


def test_networks_of_two_studies_in_one_run_are_added():
    run = Run()
    run.plan(1, 3)
    run.plan(2, 2)
    run.start(1, training("A3B"), now=0.0)
    assert run.finish(1, now=1.0).startswith("[3/5] ")


@pytest.mark.parametrize("asked", [{"dryrun": True}, {"verbose": True}, {"quiet": {"rules"}}, {"debug_dag": True}])
def test_who_asks_for_another_console_gets_snakemakes(tmp_path, capsys, asked):
    handler = LogHandler(SimpleNamespace(**SETTINGS | asked), None)
    assert not handler.writes_to_stream
    printed_by(handler, tmp_path)
    assert capsys.readouterr() == ("", "")
