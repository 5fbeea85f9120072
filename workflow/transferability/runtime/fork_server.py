"""Jobs forked from a process that has imported torch: importing it again would take each job about two seconds.

The workflow starts the server before the first training (`start`), and the server ends when snakemake ends. The script
of a job connects to the server (`run`), which forks a process for the job. From then on the script communicates with
this process only: it forwards signals and receives the exit code, and the process ends if its script ends. The messages
are lines of text. If there is no server, or it does not answer, the job runs in the script's own process. Errors of the
server are in its log.
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
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

from transferability.common.worker_pool import end
from transferability.runtime.logs import job_log
from transferability.runtime.processes import block_sigint, end_with_snakemake, unblock_sigint

ADDRESS = "TRANSFERABILITY_FORK_SERVER"  # environment variable: the server's socket, and the Python that it runs
ANSWER = 60.0  # seconds within which a job has to begin; importing torch from a cold disk is slow
BEGUN, LOST = "begun\n", "the process that trained was killed (by a user, or because memory ran out)"
GPU = Path("/dev/nvidiactl")


def is_useful(device: str) -> bool:
    """Whether jobs with this value of configuration key `device` may be forked.

    Jobs on a GPU are not forked. Neither are jobs under Slurm, because its limits apply to a job's own processes.
    """
    on_cpu = device == "cpu" or (device == "auto" and not GPU.exists())
    return on_cpu and "SLURM_JOB_ID" not in os.environ


def start(architectures: Sequence[str], optimizer: str, log: Path) -> None:
    """Start a server for the jobs of this process; an environment variable names its socket.

    They train `architectures`; `optimizer` is the value of the configuration key training.optimizer.
    Raises OSError if the log cannot be written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    path = tempfile.mkdtemp(prefix="transferability-", dir="/tmp") + "/socket"  # at most 107 bytes; TMPDIR may be long
    # -P: nothing is imported from the working directory. A session of its own: only snakemake passes on Ctrl-C.
    server = [sys.executable, "-P", "-m", "transferability.runtime.fork_server"]
    server += [path, str(os.getpid()), optimizer, *architectures]
    with log.open("wb") as errors:
        subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True)
    os.environ[ADDRESS] = json.dumps([path, sys.executable])


def run(order: dict) -> int:
    """Call `job.run_job(order)`, in a process of the server if there is one, and return the exit code.

    SIGTERM and SIGINT are forwarded to that process, and it ends when this one ends. Raises SystemExit if that process
    is killed. Without a server, raises what run_job raises.
    """
    end_with_snakemake()  # before torch is imported, which takes some time
    path, python = json.loads(os.environ.get(ADDRESS, "[null, null]"))
    if path and python == sys.executable and is_useful(order["config"]["device"]):
        with suppress(OSError):
            if (code := _run_forked(path, order)) is not None:
                return code
    from transferability.runtime.job import run_job

    run_job(order)
    return 0


def _run_forked(path: str, order: dict) -> int | None:
    """Return the exit code, or None if the server does not begin the job; raise OSError if there is no server."""
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
    """Forks a process for every connection; a failure in one affects neither the server nor the others."""

    request_queue_size = 1024
    max_children = sys.maxsize
    block_on_close = False

    def service_actions(self) -> None:
        """Reap child processes that have ended; exit if the process that started the server has ended."""
        super().service_actions()
        if os.getppid() != self.parent:
            raise SystemExit


class _Job(socketserver.StreamRequestHandler):
    """In a forked process: run the job that a script requests."""

    def handle(self) -> None:
        """Take over the script's stdio, directory and environment, carry out its order, and send the exit code."""
        block_sigint()  # until the job's log is open, where the signal is reported
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
        ):  # the script ends when it has the exit code; this process exits with its own code
            signal.signal(number, signal.SIG_IGN)
        _tell(self.request, f"{code}\n")
        os._exit(code)

    def _listen(self) -> None:
        """Send this process the signals that the script forwards; end when the script has ended."""
        with suppress(OSError):
            for line in self.rfile:
                os.kill(os.getpid(), int(line))
        end()


def serve(path: str, parent: int, work: Callable[[], Callable[[dict], None]]) -> None:
    """Fork a process for every order on the socket at `path`, until the process that started this one has ended.

    `parent` is the id of that process, which may have ended already. `work` imports and returns the function that
    carries out orders.
    """
    try:
        with _Server(path, _Job) as server:  # connections made during the import are queued
            server.parent, server.work = parent, work()
            server.serve_forever()
    finally:
        shutil.rmtree(Path(path).parent, ignore_errors=True)


def _training(optimizer: str, *architectures: str) -> Callable[[dict], None]:
    from transferability.jobs.recipe import training_code
    from transferability.runtime.code import code_fingerprint
    from transferability.runtime.job import run_job
    from transferability.study.blueprint import builder, is_of_a_library

    for architecture in architectures:
        import_module(f"transferability.{builder(architecture)}")
        if is_of_a_library(architecture):
            import_module(architecture.partition("/")[0])
        code_fingerprint(*training_code(architecture))  # cached now: later edits of the code do not run in the jobs
    if optimizer != "caffe-sgd":
        import_module("torch._dynamo")  # torch's optimizers import it, which takes 1.5 s
    return run_job


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), partial(_training, *sys.argv[3:]))
