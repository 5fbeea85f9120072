"""Snakemake and Python in processes that are forked from one that has imported what they import.

That is half of what a call of Snakemake costs, and most of what a job of a figure or table costs. Such a process has
nothing of pytest's, nothing of the library, and of the environment what it is given. Tests that kill processes, or that
are about how they start, take a new Python instead.
"""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from .warm_server import ask

SERVER = Path(__file__).with_name("warm_server.py")
KEPT = Path(__file__).parents[1] / ".pytest_cache" / "javascript"


@cache
def _server() -> socket.socket:
    """What is asked; the server ends with this process, which holds the other end of its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen([sys.executable, "-P", str(SERVER), str(KEPT)], stdin=theirs)
    return ours


def python(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Do what `python -c CODE` or `python -m MODULE` does with more arguments; stdout and stderr come together."""
    with tempfile.NamedTemporaryFile() as output:
        code = ask(_server(), arguments, str(cwd), environment, [output.fileno()] * 2)
        printed = Path(output.name).read_text(encoding="utf-8", errors="replace")
    return subprocess.CompletedProcess(arguments, code, printed)
