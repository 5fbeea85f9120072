"""Jobs in forked processes behave as jobs in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transferability import warm

CALL = "import json, sys; from transferability.warm import train; sys.exit(train(json.loads(sys.argv[1])))"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of this test's own, whose jobs do what the task's "code" says instead of training."""
    work = tmp_path / "work.py"
    work.write_text(
        "import sys\nfrom pathlib import Path\nimport transferability.runs as runs\nfrom transferability import warm\n"
        "def job(task):\n    sys.stdout.write('job\\n')\n    getattr(Jobs, task['does'])(task)\n"
        "class Jobs:\n"
        "    def fail(task): sys.exit(3)\n"
        "    def crash(task): raise RuntimeError('on purpose')\n"
        "    def where(task): Path(task['file']).write_text(str(Path.cwd()))\n"
        "    def wait(task):\n"
        "        import os, time\n"
        "        Path(task['file']).write_text(str(os.getpid()))\n"
        "        time.sleep(60)\n"
        "runs.train_job = job\nwarm.serve(Path(sys.argv[1]))\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tmp_path / f"transferability-warm-{os.getuid()}"
    folder.mkdir(mode=0o700)
    version = subprocess.run(
        [sys.executable, "-c", "from transferability.warm import _version; print(_version())"],
        capture_output=True,
        text=True,
        check=True,
    )
    process = subprocess.Popen([sys.executable, str(work), str(folder / version.stdout.strip())])
    deadline = time.monotonic() + 60
    while not list(folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def client(tmp_path: Path, **task) -> subprocess.Popen:
    message = json.dumps(task | {"job": {"device": "cpu"}})
    return subprocess.Popen([sys.executable, "-c", CALL, message], cwd=tmp_path, stdout=-1, stderr=-1, text=True)


def wait_for(file: Path) -> str:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return file.read_text(encoding="utf-8")


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").split()[2] != "Z"


def test_exit_codes_output_and_directory_are_the_jobs(server, tmp_path):
    failing = client(tmp_path, does="fail")
    assert failing.communicate()[0] == "job\n"
    assert failing.returncode == 3
    crashing = client(tmp_path, does="crash")
    assert "RuntimeError: on purpose" in crashing.communicate()[1]
    assert crashing.returncode == 1
    (tmp_path / "elsewhere").mkdir()
    assert client(tmp_path / "elsewhere", does="where", file=str(tmp_path / "cwd")).wait() == 0
    assert (tmp_path / "cwd").read_text() == str(tmp_path / "elsewhere")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(server, tmp_path, number):
    waiting = client(tmp_path, does="wait", file=str(tmp_path / "pid"))
    job = int(wait_for(tmp_path / "pid"))
    waiting.send_signal(number)
    assert waiting.wait(20) in (128 + number, 1)
    assert not is_alive(job)


def test_a_job_ends_with_the_process_that_asked_for_it(server, tmp_path):
    waiting = client(tmp_path, does="wait", file=str(tmp_path / "pid"))
    job = int(wait_for(tmp_path / "pid"))
    waiting.kill()
    deadline = time.monotonic() + 20
    while is_alive(job):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_job_is_told_by_its_exit_code(server, tmp_path):
    waiting = client(tmp_path, does="wait", file=str(tmp_path / "pid"))
    os.kill(int(wait_for(tmp_path / "pid")), signal.SIGKILL)
    assert waiting.wait(20) == 128 + signal.SIGKILL


def test_without_a_server_a_job_runs_in_its_own_process(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / f"transferability-warm-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"transferability-warm-{os.getuid()}").chmod(0o777)  # somebody else could have put a server there
    done = []
    monkeypatch.setattr("transferability.runs.train_job", done.append)
    assert warm.train({"job": {"device": "cpu"}}) == 0
    assert done == [{"job": {"device": "cpu"}}]


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_under_slurm_a_job_runs_in_its_own_process(device, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setattr(warm, "_train_forked", lambda task: pytest.fail("a server was asked"))
    done = []
    monkeypatch.setattr("transferability.runs.train_job", done.append)
    assert warm.train({"job": {"device": device}}) == 0
    assert done == [{"job": {"device": device}}]
