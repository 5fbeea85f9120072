"""A process that has imported what Snakemake and its scripts import, and that forks others which go on from there.

It ends when the other end of its socket is closed. Nothing of the library is imported in it: a checkout brings its own.
"""

import atexit
import ctypes
import gc
import hashlib
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Mapping, Sequence
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
    selector, answers = selectors.DefaultSelector(), {}
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not server:  # a process has ended
                selector.unregister(key.fileobj)
                process, answer = answers.pop(key.fileobj)
                os.write(answer, str(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])).encode())
                os.close(answer)
                os.close(key.fileobj)
                continue
            call, files, _, _ = socket.recv_fds(server, LONGEST, 4)
            if not call:
                sys.exit()
            *output, answer, again = files
            if process := os.fork():
                end = os.pidfd_open(process)
                answers[end] = process, answer
                selector.register(end, selectors.EVENT_READ)
                for file in (*output, again):
                    os.close(file)
                continue
            for end, (_, others) in answers.items():
                os.close(end)
                os.close(others)
            selector.close()
            os.close(answer)
            server.detach()  # it is this process's stdin until it has its own
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
    from snakemake.script import PythonScript

    def execute(script, file: str, edit: bool = False) -> None:
        started = time.time()
        code = ask(server, [file], str(Path.cwd()), os.environ, [1, 2])
        if script.bench_record is not None:  # the time alone: to measure memory takes longer than most scripts
            script.bench_record.running_time, script.bench_record.process_gone = time.time() - started, True
        if code:
            raise subprocess.CalledProcessError(code, [sys.executable, file])

    PythonScript.execute_script = execute


def fork_trainings() -> dict | None:
    """Let the snakemake that is to run in this process have the fork server of its trainings forked, too.

    That is a child of its own, which has to wait from now on, before there are threads. Returns in it, once it is
    needed, what it is to be; None in snakemake.
    """
    needed, need = os.pipe()
    if os.fork():
        os.close(needed)

        class Popen(subprocess.Popen):
            def __init__(self, command, **options):
                if command[1:3] == ["-m", "transferability.jobs.fork_server"]:
                    call = {"arguments": command[1:], "cwd": str(Path.cwd()), "environment": dict(os.environ)}
                    os.write(need, json.dumps(call).encode())
                else:
                    super().__init__(command, **options)

        subprocess.Popen = Popen
        return None
    os.close(need)
    call = os.read(needed, LONGEST)
    if not call:
        os._exit(0)
    os.close(needed)
    os.setsid()
    return json.loads(call)


def run_forked(call: dict, output: Sequence[int], again: int) -> int:
    """Do what a call asks for; return the exit code."""
    become(call, output)
    if call["arguments"][:2] == ["-m", "snakemake"]:
        fork_scripts(socket.socket(fileno=again))
        if not {"-n", "--dry-run"} & set(call["arguments"]) and (server := fork_trainings()):
            call = server
            become(call, [os.open(os.devnull, os.O_WRONLY) for _ in range(2)])
    return exit_code(*call["arguments"])


def import_all() -> None:
    """Import what Snakemake, its plugins and the scripts of a study import."""
    import altair
    import docutils.parsers.rst.directives.images  # noqa: F401
    import filelock  # noqa: F401
    import fontTools.subset  # noqa: F401
    import matplotlib.backends.backend_pdf
    import matplotlib.figure  # noqa: F401
    import nbformat  # noqa: F401
    import networkx  # noqa: F401
    import pandas.io.formats.string
    import PIL.Image
    import requests  # noqa: F401
    import safetensors.torch  # noqa: F401
    import smart_open  # noqa: F401
    import snakemake.cli
    import snakemake.profiles
    import snakemake.report.html_reporter  # noqa: F401
    import statsmodels.regression.linear_model
    import statsmodels.stats.multitest  # noqa: F401
    import torch  # noqa: F401

    PIL.Image.init()
    for finalizer in list(weakref.finalize._registry):  # torch would take its operators apart
        finalizer.atexit = False


def bundle_once(folder: Path) -> None:
    """Keep the JavaScript of interactive figures in a folder: it is the same each time, and takes 1.4 s."""
    import vl_convert

    bundle = vl_convert.javascript_bundle

    def kept(*arguments, **options) -> str:
        wanted = repr((vl_convert.__version__, arguments, options))
        file = folder / f"{hashlib.sha256(wanted.encode()).hexdigest()}.js"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            new = folder / f"{os.getpid()}.new"
            new.write_text(bundle(*arguments, **options), encoding="utf-8")
            new.rename(file)
        return file.read_text(encoding="utf-8")

    vl_convert.javascript_bundle = kept


def pack_memory() -> None:
    """Put this process's own memory into large pages, where the system can: to fork is four times as fast then."""
    large, advice = 2 * 1024 * 1024, 25  # MADV_COLLAPSE, which Python's mmap does not name
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        place, access, _, _, file, *_ = line.split()
        begin, end = (int(address, 16) // large * large for address in place.split("-"))
        if access.startswith("rw") and file == "0" and end > begin + large:
            madvise(begin + large, end - begin - large, advice)


def main() -> None:
    """Import, wait for calls, and in a forked process do what one asks for."""
    import_all()
    bundle_once(Path(sys.argv[1]))
    gc.collect()
    pack_memory()
    gc.freeze()  # a collection in a forked process would copy all memory that it looks at
    call, (*output, again) = serve(socket.socket(fileno=0))
    code = run_forked(call, output, again)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to free all objects that were imported takes more than a second


if __name__ == "__main__":
    main()
