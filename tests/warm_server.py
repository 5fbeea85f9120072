"""A process that has imported what Snakemake and its scripts import, and that forks others which go on from there.

Nothing of the library is imported in it: a checkout brings its own.
"""

import atexit
import ctypes
import gc
import hashlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

ADDRESS = "TRANSFERABILITY_WARM"  # environment variable: the server's socket
PYTHON = "TRANSFERABILITY_WARM_PYTHON"  # environment variable: the program that passes for Python
IMPORTED = """
altair docutils.parsers.rst.directives.images filelock fontTools.subset jsonschema matplotlib.backends.backend_pdf
matplotlib.figure nbformat networkx pandas.io.formats.string PIL.Image requests safetensors.torch scipy.special
smart_open snakemake.cli snakemake.profiles snakemake.report.html_reporter torch vl_convert
"""
LONGEST = 200_000  # bytes of a call: its arguments and its environment


def ask(address: str, arguments: Sequence[str], cwd: str, environment: Mapping[str, str], output: Sequence[int]) -> int:
    """Do what `python ARGUMENTS` does, with stdout and stderr in these open files; return the exit code."""
    call = json.dumps({"arguments": arguments, "cwd": cwd, "environment": dict(environment)})
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(address)
        socket.send_fds(server, [call.encode()], output)
        return int(server.recv(LONGEST) or 1)


class Server:
    """Forks a process for each call; it ends with the process that holds the other end of its stdin."""

    def __init__(self, listener: socket.socket):
        self.listener, self.selector = listener, selectors.DefaultSelector()
        self.calls: dict[int, tuple[int, socket.socket]] = {}  # by what becomes readable when a process ends
        self.selector.register(listener, selectors.EVENT_READ)
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    def next_call(self) -> tuple[dict, list[int]]:
        """Return once in every process that is forked for a call, with the call and its files; never in the server."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    sys.exit()
                if key.fileobj in self.calls:
                    self._answer(key.fileobj)
                elif key.fileobj is not self.listener:
                    self._kill(key.fileobj)
                elif call := self._accept():
                    return call

    def _accept(self) -> tuple[dict, list[int]] | None:
        caller, _ = self.listener.accept()
        call, output, _, _ = socket.recv_fds(caller, LONGEST, 2)
        if process := os.fork():
            end = os.pidfd_open(process)
            self.calls[end] = process, caller
            for file in (end, caller):
                self.selector.register(file, selectors.EVENT_READ)
            for file in output:
                os.close(file)
            return None
        for end, (_, other) in self.calls.items():
            os.close(end)
            other.close()
        for file in (self.selector, self.listener, caller):
            file.close()
        return json.loads(call), list(output)

    def _kill(self, gone: socket.socket) -> None:
        """End the process that nobody waits for any more."""
        for end, (_, caller) in self.calls.items():
            if caller is gone:
                self.selector.unregister(caller)
                signal.pidfd_send_signal(end, signal.SIGKILL)

    def _answer(self, end: int) -> None:
        process, caller = self.calls.pop(end)
        for file in (end, caller):
            with suppress(KeyError):  # who called may have ended
                self.selector.unregister(file)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with suppress(BrokenPipeError), caller:  # who called may have ended
            caller.send(str(code).encode())
        os.close(end)


def become(call: dict, output: Sequence[int]) -> None:
    """Be the process that a call describes: its files, directory, environment and path."""
    for file, standard in zip((os.open(os.devnull, os.O_RDONLY), *output), (0, 1, 2), strict=True):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.executable = os.environ.get(PYTHON, sys.executable)
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


def fork_scripts(address: str) -> None:
    """Let the snakemake that is to run in this process run its scripts in processes of the server, too."""
    from snakemake.script import PythonScript

    def execute(script, file: str, edit: bool = False) -> None:
        started = time.time()
        code = ask(address, [file], str(Path.cwd()), os.environ, [1, 2])
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


def run_forked(call: dict, output: Sequence[int]) -> int:
    """Do what a call asks for; return the exit code."""
    address = os.environ[ADDRESS]
    become(call, output)
    fork_scripts(address)
    snakemake = call["arguments"][:2] == ["-m", "snakemake"]
    if snakemake and not {"-n", "--dry-run"} & set(call["arguments"]) and (server := fork_trainings()):
        call = server
        become(call, [os.open(os.devnull, os.O_WRONLY) for _ in range(2)])
    return exit_code(*call["arguments"])


def import_all() -> None:
    """Import what Snakemake, its plugins and the scripts of a study import."""
    for module in IMPORTED.split():
        import_module(module)
    for kind in ("Executor", "Report", "Scheduler", "Storage"):  # find their plugins; a checkout brings its own logger
        getattr(sys.modules["snakemake.cli"], f"{kind}PluginRegistry")()
    sys.modules["PIL.Image"].init()
    for finalizer in list(weakref.finalize._registry):  # torch would take its operators apart
        finalizer.atexit = False


def bundle_once(folder: Path) -> None:
    """Keep the JavaScript of interactive figures in a folder: it is the same each time, and takes 1.4 s."""
    library = sys.modules["vl_convert"]
    bundle = library.javascript_bundle

    def kept(*arguments, **options) -> str:
        file = folder / f"{hashlib.sha256(repr((arguments, options)).encode()).hexdigest()}.js"
        if not file.exists():
            new = file.with_suffix(f".{os.getpid()}")
            new.write_text(bundle(*arguments, **options), encoding="utf-8")
            new.rename(file)
        return file.read_text(encoding="utf-8")

    library.javascript_bundle = kept


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
    bundle_once(Path(os.environ[ADDRESS]).parent)
    gc.collect()
    pack_memory()
    gc.freeze()  # a collection in a forked process would copy all memory that it looks at
    gc.set_threshold(20_000)
    code = run_forked(*Server(socket.socket(fileno=int(sys.argv[1]))).next_call())
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to free all objects that were imported takes more than a second


if __name__ == "__main__":
    main()
