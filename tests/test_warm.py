"""Forked Pythons, which tests of the workflow run Snakemake and its scripts in, do what new ones do."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from . import warm

pytestmark = pytest.mark.slow
SHOW = "import os, sys; print(os.getcwd(), sys.argv, dict(os.environ), __name__, sys.stdin.read())"
SCRIPTS = {
    "shows": SHOW,
    "ends": "import sys; sys.exit(3)",
    "complains": "import sys; sys.exit('why')",
    "is killed": "import os; print('so far', flush=True); os.kill(os.getpid(), 9)",
    "ends at exit": "import atexit; atexit.register(print, 'at exit'); print('before')",
    "waits for threads": "import threading, time; threading.Timer(0.1, print, ['last']).start(); print('first')",
}


@pytest.mark.parametrize("how", ["-c", "script"])
@pytest.mark.parametrize("what", SCRIPTS)
def test_a_forked_python_does_what_a_new_one_does(tmp_path, how, what):
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS[what], encoding="utf-8")
    command = ["-c", SCRIPTS[what], "more"] if how == "-c" else [str(script), "more"]
    environment = {"OWN": "ä", "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1", "LC_CTYPE": "C.UTF-8"}
    forked = warm.python(*command, cwd=tmp_path, environment=environment)
    new = [sys.executable, *command]
    new = subprocess.run(new, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True)
    assert (forked.returncode, forked.stdout) == (new.returncode, new.stdout)
    assert forked.returncode != -signal.SIGKILL or forked.stdout == "so far\n"


def test_an_error_is_told_and_the_library_is_the_callers(tmp_path):
    (tmp_path / "transferability.py").write_text("raise RuntimeError('of the caller')", encoding="utf-8")
    run = warm.python("-m", "transferability", cwd=tmp_path, environment=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1] == "RuntimeError: of the caller"


def test_a_program_passes_for_python_and_so_does_what_it_starts(tmp_path):
    code = (
        "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', 'import os; os._exit(3)']).returncode)"
    )
    run = subprocess.run([warm.program(), "-c", f"print({str(tmp_path)!r}); {code}"], stdout=-1, text=True)
    assert (run.returncode, run.stdout) == (3, f"{tmp_path}\n")
    run = subprocess.run([warm.program(), "-c", "import sys; print(sys.executable)"], stdout=-1, text=True)
    assert run.stdout.strip() == warm.program()


def test_a_process_that_nobody_waits_for_ends():
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    caller = subprocess.Popen([warm.program(), "-c", code], stdout=-1, text=True)
    process = psutil.Process(int(caller.stdout.readline()))
    caller.kill()
    caller.wait()
    process.wait(10)
