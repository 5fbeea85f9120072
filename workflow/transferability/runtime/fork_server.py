"""Jobs in processes forked from one that has torch imported already: importing it again takes a job about two seconds.

Snakemake starts the server before its first training (`start`), and it ends when snakemake does. A job's script
connects to it (`run`); the server forks, and from there on script and job have only each other: the script passes
signals on and gets the exit code, and the job ends with its script. What passes between them is lines of text. Where
there is no server, or it does not answer, the job runs in its own process. What goes wrong in the server is in its log.
"""

import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from transferability.common.worker_pool import end
from transferability.runtime.logs import job_log
from transferability.runtime.processes import block_sigint, end_with_snakemake, unblock_sigint

ADDRESS = "TRANSFERABILITY_FORK_SERVER"  # environment variable: the server's socket, and the Python that it runs
ANSWER = 60.0  # seconds within which a job has to begin; importing torch on a cold disk takes some
BEGUN, LOST = "begun\n", "the process that trained was killed (by hand, or as memory ran out)"
GPU = Path("/dev/nvidiactl")


def is_useful(device: str) -> bool:
    """Whether jobs with this configuration key `device` may be forked.

    They may not on a GPU, nor under Slurm, whose limits are for the job's own processes.
    """
    on_cpu = device == "cpu" or (device == "auto" and not GPU.exists())
    return on_cpu and "SLURM_JOB_ID" not in os.environ


def start(architecture: str, optimizer: str, log: Path) -> None:
    """Start a server for the jobs of this process, which train an architecture and find it in their environment.

    `optimizer` is the configuration key of that name. Raises OSError where the log cannot be written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    path = tempfile.mkdtemp(prefix="transferability-", dir="/tmp") + "/socket"  # of 107 bytes at most, unlike TMPDIR
    # Nothing is imported from the working directory (-P). In a session of its own: Ctrl-C is snakemake's to pass on.
    server = [sys.executable, "-P", "-m", "transferability.runtime.fork_server"]
    server += [path, str(os.getpid()), architecture, optimizer]
    with log.open("wb") as errors:
        subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True)
    os.environ[ADDRESS] = json.dumps([path, sys.executable])


def run(order: dict) -> int:
    """Do `job.run_job(order)` and return its exit code, in a process of the server if there is one.

    A SIGTERM or SIGINT is passed on to that process, and it ends when this one does. Without a server, what run_job
    raises is raised; SystemExit also where that process is killed.
    """
    end_with_snakemake()  # before torch is imported, which takes a while
    path, python = json.loads(os.environ.get(ADDRESS, "[null, null]"))
    if path and python == sys.executable and is_useful(order["config"]["device"]):
        with suppress(OSError):
            if (code := _run_forked(path, order)) is not None:
                return code
    from transferability.runtime.job import run_job

    run_job(order)
    return 0


def _run_forked(path: str, order: dict) -> int | None:
    """Return the exit code, or None if the server does not begin; raise OSError if there is none."""
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(ANSWER)
        server.connect(path)
        socket.send_fds(server, [b"."], [1, 2])
        with server.makefile("rw", encoding="utf-8") as lines:
            message = {"order": order, "directory": str(Path.cwd()), "environment": dict(os.environ)}
            lines.write(json.dumps(message) + "\n")
            lines.flush()
            if lines.readline() != BEGUN:
                return None
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda number, _frame: _tell(server, f"{number}\n"))
            server.settimeout(None)
            unblock_sigint()
            with suppress(OSError):
                if code := lines.readline():
                    return int(code)
    with job_log(order["log"]):
        raise ChildProcessError(LOST)


def _tell(connection: socket.socket, line: str) -> None:
    with suppress(OSError):
        connection.sendall(line.encode())


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks a process for every connection; what happens in one touches neither the server nor the others."""

    request_queue_size = 1024
    max_children = sys.maxsize
    block_on_close = False

    def service_actions(self) -> None:
        """Collect processes that have ended, and end with the process that started the server."""
        super().service_actions()
        if os.getppid() != self.parent:
            raise SystemExit


class _Job(socketserver.StreamRequestHandler):
    """In a forked process: become the job that a script asks for."""

    def handle(self) -> None:
        """Take over the script's stdio, directory and environment, carry out its order, and send it the exit code."""
        block_sigint()  # until the job's log is open, which answers it
        self.server.socket.close()
        _, files, _, _ = socket.recv_fds(self.request, 1, 2)
        message = json.loads(self.rfile.readline())
        for standard, file in enumerate(files, 1):
            os.dup2(file, standard)
        os.chdir(message["directory"])
        os.environ.clear()
        os.environ.update(message["environment"])
        threading.Thread(target=self._listen, daemon=True).start()
        _tell(self.request, BEGUN)
        code = 1
        try:
            self.server.work(message["order"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
        ):  # the script ends when it is told, and this process is not stopped
            signal.signal(number, signal.SIG_IGN)
        _tell(self.request, f"{code}\n")
        os._exit(code)

    def _listen(self) -> None:
        """Pass on the signals that the script passes on; when it has gone, end."""
        with suppress(OSError):
            for line in self.rfile:
                os.kill(os.getpid(), int(line))
        end()


def serve(path: str, parent: int, work: Callable[[], Callable[[dict], None]]) -> None:
    """Fork a process for every order that comes on the socket at `path`, until the process that started this has ended.

    `parent` is the number of that process, which may have ended already. `work` imports what carries orders out, and
    returns it.
    """
    try:
        with _Server(path, _Job) as server:  # jobs that come while it imports wait for their turn
            server.parent, server.work = parent, work()
            server.serve_forever()
    finally:
        shutil.rmtree(Path(path).parent, ignore_errors=True)


def _training(architecture: str, optimizer: str) -> Callable[[dict], None]:
    from transferability.jobs.recipe import training_code
    from transferability.runtime.code import code_fingerprint
    from transferability.runtime.job import run_job
    from transferability.study.blueprint import builder, is_of_a_library

    import_module(f"transferability.{builder(architecture)}")
    if is_of_a_library(architecture):
        import_module(architecture.partition("/")[0])
    if optimizer != "caffe-sgd":
        import_module("torch._dynamo")  # which torch's optimizers import: 1.5 s
    code_fingerprint(*training_code(architecture))  # now: what is edited later does not run in the jobs
    return run_job


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), partial(_training, *sys.argv[3:]))
