"""Jobs in processes forked from one that has torch imported already: importing it anew takes a job about two seconds.

The first job on a machine starts the server, which ends when no job has come for a while. What passes through its
socket is JSON. Where anything about it fails, the job runs in its own process as if there were none.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from transferability.fingerprint import PACKAGE, fingerprint

IDLE = 20.0  # seconds without a job after which the server ends
START = 60.0  # seconds within which a server has to answer
GPU = Path("/dev/nvidiactl")


def train(task: dict) -> int:
    """Do `runs.train_job(task)` and return its exit code; where it trains on the CPU, in a process of the server.

    A SIGTERM or SIGINT is passed on to that process, and it ends when this one does. Under Slurm, whose limits are for
    the job's own processes, and with GPUs there is no server.
    """
    device = task["job"]["device"]
    on_cpu = device == "cpu" or (device == "auto" and not GPU.exists())
    if on_cpu and "SLURM_JOB_ID" not in os.environ:
        with suppress(OSError, ValueError):
            return _train_forked(task)
    from transferability.runs import train_job

    return _exit_code(lambda: train_job(task))


def _train_forked(task: dict) -> int:
    """Raises OSError or ValueError if no server takes the task."""
    with _connection() as server:
        socket.send_fds(server, [b"."], [1, 2])
        with server.makefile("rw") as lines:
            lines.write(
                json.dumps({"task": task, "directory": str(Path.cwd()), "environment": dict(os.environ)}) + "\n"
            )
            lines.flush()
            process = int(lines.readline())
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda number, _frame: _signal(process, number))
            code = lines.readline()
    return int(code) if code else 1  # without an answer the server was killed, and the job with it


def _connection() -> socket.socket:
    """Return a connection to the server, which is started if there is none."""
    folder = Path(tempfile.gettempdir()) / f"transferability-warm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise OSError(f"{folder} is not this user's own")
    path = folder / _version()
    with FileLock(path.with_suffix(".lock")):
        with suppress(OSError):
            return _connected(path)
        path.unlink(missing_ok=True)
        nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "transferability.warm", str(path)]
        server = subprocess.Popen(command, start_new_session=True, **nothing)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(OSError):
                return _connected(path)
            time.sleep(0.02)
    raise OSError("no server answers")


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _version() -> str:
    """A server is asked only by those who would import the same code."""
    files = [(str(file), file.stat().st_mtime_ns) for file in sorted(PACKAGE.rglob("*.py"))]
    return fingerprint([sys.executable, sys.path[1:], files])[:16]


def serve(path: Path) -> None:
    """Fork a process for every task that comes on the socket at `path`, until none has for a while."""
    from transferability import runs  # with torch: what all this is for

    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(str(path))
        listener.listen(64)
        selector.register(listener, selectors.EVENT_READ, lambda: _accept(listener, selector, runs.train_job))
        while True:
            ready = selector.select(IDLE)
            if not ready and len(selector.get_map()) == 1:
                break
            for key, _ in ready:
                if key.fileobj in selector.get_map():  # one of this round may have ended with another
                    key.data()
        path.unlink(missing_ok=True)


def _accept(listener: socket.socket, selector: selectors.BaseSelector, work) -> None:
    client, _ = listener.accept()
    try:
        _, files, _, _ = socket.recv_fds(client, 1, 2)
        with client.makefile("r") as lines:
            message = json.loads(lines.readline())
    except (OSError, ValueError):
        client.close()
        return
    process = os.fork()
    if process == 0:
        _become_job(message, files, work)
    for file in files:
        os.close(file)
    watched = os.pidfd_open(process)

    def ended() -> None:
        """The job's process has ended: tell its client."""
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with suppress(OSError):
            client.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
        for watch in (watched, client):
            selector.unregister(watch)
        os.close(watched)
        client.close()

    selector.register(watched, selectors.EVENT_READ, ended)
    # A client that says anything has gone: its job ends with it.
    selector.register(client, selectors.EVENT_READ, lambda: _signal(process, signal.SIGKILL))
    with suppress(OSError):
        client.sendall(f"{process}\n".encode())


def _become_job(message: dict, files: list[int], work) -> None:
    """In the forked process: be as the client's process would, do the task, and end."""
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.closerange(3, 4096)  # the server's connections
    os.chdir(message["directory"])
    os.environ.clear()
    os.environ.update(message["environment"])
    code = _exit_code(lambda: work(message["task"]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _exit_code(work) -> int:
    """Do `work` and return the exit code that Python would give."""
    try:
        work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


if __name__ == "__main__":
    os.chdir("/")
    serve(Path(sys.argv[1]))
