"""Jobs in forked processes behave as jobs in processes of their own, whatever happens to server or jobs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from transferability.runtime import fork_server
from transferability.runtime.fork_server import ADDRESS

CALL = "import json, sys; from transferability.runtime.fork_server import run; sys.exit(run(json.loads(sys.argv[1])))"
WORK = """
import os, signal, sys, time
from pathlib import Path
from transferability.runtime import fork_server
def job(task):
    sys.stdout.write('job\\n')
    getattr(Jobs, task['does'])(task)
class Jobs:
    def fail(task): sys.exit(3)
    def crash(task): raise RuntimeError('on purpose')
    def note(task):
        own = {'directory': os.getcwd(), 'umask': os.umask(0), 'affinity': sorted(os.sched_getaffinity(0))}
        own |= {'variable': os.environ.get('OWN'), 'cgroup': Path('/proc/self/cgroup').read_text()}
        Path(task['file']).write_text(repr(own))
    def wait(task):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # as a job does whose log is open
        Path(task['file']).write_text(str(os.getpid()))
        time.sleep(600)
def serve(): fork_server.serve(sys.argv[1], os.getppid(), lambda: job)
"""


class Server:
    """A server of this test's own, whose jobs do what the task's "does" says instead of training."""

    def __init__(self, folder: Path, serve: str = "serve()"):
        self.folder = folder
        (folder / "work.py").write_text(WORK + serve)
        (folder / "server").mkdir()
        self.path = folder / "server" / "socket"
        self.process = subprocess.Popen([sys.executable, str(folder / "work.py"), str(self.path)])
        deadline = time.monotonic() + 60
        while not listens(self.path):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def client(self, cwd: Path | None = None, **task) -> subprocess.Popen:
        """Start a job's script that asks for a task."""
        message = json.dumps(task | {"config": {"device": "cpu"}, "log": str(self.folder / "job.log")})
        environment = os.environ | {ADDRESS: json.dumps([str(self.path), sys.executable]), "OWN": "client's"}
        command = [sys.executable, "-c", CALL, message]
        return subprocess.Popen(command, cwd=cwd or self.folder, env=environment, stdout=-1, stderr=-1, text=True)

    def waiting(self, name: str) -> tuple[subprocess.Popen, int]:
        """Start a job that takes ten minutes; return its script and the number of its process."""
        script = self.client(does="wait", file=str(self.folder / name))
        job = int(wait_for(self.folder / name))
        deadline = time.monotonic() + 60
        while not catches(script.pid, signal.SIGTERM):  # the job may be the first to be ready
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return script, job


def listens(path: Path) -> bool:
    """Whether who connects to a socket is answered; its file is there a moment before."""
    sockets = map(str.split, Path("/proc/net/unix").read_text(encoding="utf-8").splitlines())
    return any(fields[3] == "00010000" and fields[-1] == str(path) for fields in sockets)


def catches(process: int, number: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


@pytest.fixture
def server(tmp_path):
    own = Server(tmp_path)
    yield own
    own.process.kill()
    own.process.wait()


def wait_for(file: Path) -> str:
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return file.read_text(encoding="utf-8")


def is_alive(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(process: int) -> bool:
    deadline = time.monotonic() + 60
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(process)


def test_exit_codes_and_output_are_the_jobs(server):
    failing = server.client(does="fail")
    assert failing.communicate()[0] == "job\n"
    assert failing.returncode == 3
    crashing = server.client(does="crash")
    assert "RuntimeError: on purpose" in crashing.communicate()[1]
    assert crashing.returncode == 1


def test_a_job_has_directory_environment_umask_and_affinity_of_the_snakemake_that_wants_it(tmp_path):
    """The server is snakemake's child, as the jobs' scripts are: all of this is inherited."""
    all_of = os.sched_getaffinity(0)
    affinity = {min(all_of)}
    os.sched_setaffinity(0, affinity)
    umask = os.umask(0o027)
    try:
        server = Server(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        assert server.client(tmp_path / "elsewhere", does="note", file=str(tmp_path / "note")).wait(60) == 0
    finally:
        os.umask(umask)
        os.sched_setaffinity(0, all_of)
        server.process.kill()
    own = {"directory": str(tmp_path / "elsewhere"), "umask": 0o027, "affinity": sorted(affinity)}
    own |= {"variable": "client's", "cgroup": Path("/proc/self/cgroup").read_text()}
    assert (tmp_path / "note").read_text() == repr(own)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(server, number):
    script, job = server.waiting("pid")
    script.send_signal(number)
    assert script.wait(60) == 1
    assert ends(job)


def test_a_job_ends_with_the_process_that_asked_for_it(server):
    script, job = server.waiting("pid")
    script.kill()
    assert ends(job)


def test_a_killed_job_is_told_with_what_may_have_killed_it(server):
    script, job = server.waiting("pid")
    os.kill(job, signal.SIGKILL)
    error = script.communicate(timeout=60)[1]
    assert script.returncode == 1
    assert "error: the process that trained was killed (by a user, or because memory ran out); run again" in error
    assert "run again" in (server.folder / "job.log").read_text()


def test_a_job_that_ends_as_its_script_is_killed_touches_no_other(server):
    """Ten times both at once; the server and a job beside it go on."""
    other, beside = server.waiting("beside")
    for number in range(10):
        script, job = server.waiting(f"pid{number}")
        script.send_signal(signal.SIGKILL)
        os.kill(job, signal.SIGKILL)
        script.wait(60)
    assert is_alive(beside) and server.process.poll() is None
    assert server.client(does="fail").wait(60) == 3
    other.kill()


def test_after_kill_9_of_the_server_its_jobs_go_on_and_are_waited_for(server, tmp_path):
    script, job = server.waiting("pid")
    server.process.kill()
    server.process.wait()
    time.sleep(1)
    assert is_alive(job) and script.poll() is None
    script.send_signal(signal.SIGTERM)  # it still passes signals on
    assert script.wait(60) == 1
    assert ends(job)


def test_a_client_that_stops_in_the_middle_blocks_nobody(server):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(server.path))
        assert server.client(does="fail").wait(60) == 3


def test_where_a_fork_fails_the_job_runs_in_its_own_process_and_the_server_goes_on(tmp_path):
    """EAGAIN, as where a user has too many processes."""
    failing_once = """
fork = os.fork
def failing():
    os.fork = fork
    raise BlockingIOError(11, 'Resource temporarily unavailable')
os.fork = failing
serve()
"""
    server = Server(tmp_path, failing_once)
    script = server.client(does="fail")
    script.communicate(timeout=60)
    assert script.returncode == 1
    assert "KeyError" in (tmp_path / "job.log").read_text()  # of job.run_job, to which this order means nothing
    assert server.client(does="fail").wait(60) == 3
    server.process.kill()


def test_without_pidfds_a_task_runs_once(tmp_path):
    """Kernels before 5.3 and macOS have none."""
    server = Server(tmp_path, "del os.pidfd_open\nserve()")
    output = server.client(does="fail").communicate(timeout=60)
    server.process.kill()
    assert output == ("job\n", "")


@pytest.mark.parametrize("early", [False, True])
def test_the_server_ends_with_the_snakemake_that_started_it(early, tmp_path):
    """Also with one that is killed while the server's Python starts: asked then, that one has another parent."""
    code = "import os, time; from pathlib import Path; from transferability.runtime import fork_server\n"
    code += "fork_server.start(['caffenet-mini'], 'caffe-sgd', Path('log'))\n"
    code += f"print(os.environ[{ADDRESS!r}], flush=True); time.sleep(60)"
    snakemake = subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True, cwd=tmp_path)
    path = Path(json.loads(snakemake.stdout.readline())[0])
    [server] = psutil.Process(snakemake.pid).children()
    deadline = time.monotonic() + 60
    while not (early or path.exists()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    snakemake.kill()
    snakemake.wait()
    assert ends(server.pid)
    assert not path.parent.exists()


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Starts a server as snakemake does in a directory, waits for its end or its socket, and returns its process."""
    monkeypatch.setenv(ADDRESS, "")
    monkeypatch.chdir(tmp_path)
    servers = []

    def start(architecture: str) -> psutil.Process:
        before = psutil.Process().children()
        fork_server.start([architecture], "caffe-sgd", Path("results/logs/fork_server.log"))
        # Its number may be lower than theirs: Linux begins anew at 32,768.
        [server] = set(psutil.Process().children()) - set(before)
        servers.append(server)
        while is_alive(server.pid) and not listens(Path(json.loads(os.environ[ADDRESS])[0])):
            time.sleep(0.02)
        return server

    yield start
    for server in servers:
        server.kill()
        server.wait()


def test_what_lies_in_the_working_directory_is_not_imported(started, tmp_path):
    """A person's own psutil.py, say."""
    (tmp_path / "psutil.py").write_text("open('imported', 'w').close()", encoding="utf-8")
    server = started("caffenet-mini")
    assert is_alive(server.pid) and not (tmp_path / "imported").exists()


def test_what_goes_wrong_in_the_server_is_in_its_log(started, tmp_path):
    server = started("no_such_network")
    assert ends(server.pid)
    assert "no_such_network" in (tmp_path / "results/logs/fork_server.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(("optimizer", "imported"), [("sgd", True), ("caffe-sgd", False)])
def test_what_an_optimizer_imports_is_imported_before_jobs_are_forked(optimizer, imported):
    code = "import sys; from transferability.runtime.fork_server import _training\n"
    code += f"_training({optimizer!r}, 'caffenet-mini'); print('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=-1, text=True).stdout == f"{imported}\n"


def test_a_long_tmpdir_costs_nothing(tmp_path, monkeypatch):
    """A socket's path has at most 107 bytes."""
    long = tmp_path / ("a" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: None)
    monkeypatch.setenv(ADDRESS, "")
    fork_server.start(["caffenet-mini"], "caffe-sgd", tmp_path / "log")
    path = json.loads(os.environ[ADDRESS])[0]
    assert len(path) < 107
    Path(path).parent.rmdir()


@pytest.mark.parametrize("address", [None, "/nowhere/socket"])
def test_without_a_server_a_job_runs_in_its_own_process(address, monkeypatch):
    monkeypatch.setenv(ADDRESS, json.dumps([address, sys.executable]))
    done = []
    monkeypatch.setattr("transferability.runtime.job.run_job", done.append)
    assert fork_server.run({"config": {"device": "cpu"}}) == 0
    assert done == [{"config": {"device": "cpu"}}]


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_under_slurm_a_job_runs_in_its_own_process(device, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv(ADDRESS, json.dumps(["/nowhere/socket", sys.executable]))
    monkeypatch.setattr(fork_server, "_run_forked", lambda *_: pytest.fail("a server was asked"))
    done = []
    monkeypatch.setattr("transferability.runtime.job.run_job", done.append)
    assert fork_server.run({"config": {"device": device}}) == 0
    assert done == [{"config": {"device": device}}]
