"""A process that has imported what Snakemake and its scripts import, and that forks others which go on from there.

It ends when the other end of its socket is closed. Nothing of the library is imported in it: a checkout brings its own.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

LONGEST = 200_000  # bytes of a call: its arguments and its environment


def ask(
    server: socket.socket, arguments: Sequence[str], cwd: str, environment: Mapping[str, str], output: Sequence[int]
) -> int:
    """Do what `python ARGUMENTS` does, with stdout and stderr in these open files; return the exit code."""
    answer, answers = os.pipe()
    call = json.dumps({"arguments": arguments, "cwd": cwd, "environment": dict(environment)})
    socket.send_fds(server, [call.encode()], [*output, answers, server.fileno()])
    os.close(answers)
    with os.fdopen(answer, encoding="utf-8") as file:
        return int(file.read() or 1)


def serve(server: socket.socket) -> tuple[dict, list[int]]:
    """Return once in every process that is forked for a call, with the call and its files; never in the server."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes that wait for others
    while True:
        call, files, _, _ = socket.recv_fds(server, LONGEST, 4)
        if not call:
            sys.exit()
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
    server.detach()  # it is this process's stdin until it has its own
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *output, answers, again = files
    if process := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.write(answers, str(code).encode())
        os._exit(0)
    os.close(answers)
    return json.loads(call), [*output, again]


def become(call: dict, output: Sequence[int]) -> None:
    """Be the process that a call describes: its files, directory, environment and path."""
    for file, standard in zip((os.open(os.devnull, os.O_RDONLY), *output), (0, 1, 2), strict=True):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))


def run(what: str, *arguments: str) -> None:
    """Do what Python does with these arguments: -c CODE, -m MODULE, or a script."""
    if what == "-c":
        sys.argv = ["-c", *arguments[1:]]
        exec(arguments[0], {"__name__": "__main__"})
    elif what == "-m":
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [what, *arguments]
        sys.path.insert(0, str(Path(what).parent))
        runpy.run_path(what, run_name="__main__")


def exit_code(what: str, *arguments: str) -> int:
    """Run it to its end as Python does, and return the exit code."""
    try:
        run(what, *arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def fork_scripts(server: socket.socket) -> None:
    """Let the snakemake that is to run in this process run its scripts in processes of the server, too."""
    from snakemake.benchmark import benchmarked
    from snakemake.script import PythonScript

    def execute(script, file: str, edit: bool = False) -> None:
        measured = nullcontext() if script.bench_record is None else benchmarked(None, script.bench_record)
        with measured:  # the seconds are the script's; what else is measured is this process's
            code = ask(server, [file], str(Path.cwd()), os.environ, [1, 2])
        if code:
            raise subprocess.CalledProcessError(code, [sys.executable, file])

    PythonScript.execute_script = execute


def main() -> None:
    """Import, wait for calls, and in a forked process do what one asks for."""
    import jsonschema  # noqa: F401
    import matplotlib.backends.backend_pdf
    import matplotlib.figure  # noqa: F401
    import networkx  # noqa: F401
    import pandas  # noqa: F401
    import snakemake.cli  # noqa: F401
    import statsmodels.regression.linear_model  # noqa: F401
    import torch  # noqa: F401

    gc.collect()
    gc.freeze()  # a collection in a forked process would copy all memory that it looks at
    call, (*output, again) = serve(socket.socket(fileno=0))
    become(call, output)
    if call["arguments"][:2] == ["-m", "snakemake"]:
        fork_scripts(socket.socket(fileno=again))
    code = exit_code(*call["arguments"])
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to free all objects that were imported takes more than a second


if __name__ == "__main__":
    main()
