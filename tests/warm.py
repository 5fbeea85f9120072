"""Snakemake and Python in processes that are forked from one that has imported what they import.

That is half of what a call of Snakemake costs, and most of what a job of a figure or table costs. Such a process has
nothing of pytest's, nothing of the library, and of the environment what it is given. Tests that kill processes, or that
are about how they start, take a new Python instead.
"""

import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from .warm_server import ADDRESS, ask

SERVER = Path(__file__).with_name("warm_server.py")
PROGRAM = """#!{python} -ES
import os, signal, sys
sys.path.append({folder!r})
from warm_server import PYTHON, ask
code = ask({address!r}, sys.argv[1:], os.getcwd(), os.environ | {{PYTHON: sys.argv[0]}}, [1, 2])
os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
"""


def offer() -> None:
    """Start a server as soon as this process or a child of it asks for one; it ends with this process."""
    directory = tempfile.TemporaryDirectory(prefix="warm-")
    os.environ[ADDRESS] = f"{directory.name}/socket"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(os.environ[ADDRESS])
    listener.listen(100)
    program = Path(directory.name) / "python"
    program.write_text(PROGRAM.format(python=sys.executable, folder=str(SERVER.parent), address=os.environ[ADDRESS]))
    program.chmod(0o755)
    threading.Thread(target=_serve_once_asked, args=(listener, directory), daemon=True).start()


def _serve_once_asked(listener: socket.socket, directory: tempfile.TemporaryDirectory) -> None:
    select.select([listener], [], [])
    command = [sys.executable, "-P", str(SERVER), str(listener.fileno())]
    with directory, listener, subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()]) as server:
        server.wait()  # if it ends before this process, who asks is told


def program() -> str:
    """Return the path of a program that passes for this Python: what it starts with itself is forked, too.

    Signals reach it alone; when it is killed, the process that works for it is.
    """
    return str(Path(os.environ[ADDRESS]).with_name("python"))


def python(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Do what `python -c CODE` or `python -m MODULE` does with more arguments; stdout and stderr come together."""
    with tempfile.NamedTemporaryFile() as output:
        code = ask(os.environ[ADDRESS], arguments, str(cwd), environment, [output.fileno()] * 2)
        printed = Path(output.name).read_text(encoding="utf-8", errors="replace")
    return subprocess.CompletedProcess(arguments, code, printed)
