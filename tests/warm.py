"""Snakemake and Python in processes that are forked from one that has imported Snakemake: half of what a call costs.

Such a process has nothing of pytest's, no torch, nothing of the library, and of the environment what it is given.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SERVER = """
import json, os, runpy, sys
import snakemake.cli, jsonschema, networkx, pandas
sys.path.remove('')
for line in sys.stdin:
    call = json.loads(line)
    process = os.fork()
    if process == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
else:
    sys.exit()
for file, descriptor in ((os.devnull, 0), (call['output'], 1), (call['output'], 2)):
    os.dup2(os.open(file, os.O_RDWR | os.O_APPEND), descriptor)
os.chdir(call['cwd'])
os.environ.clear()
os.environ.update(call['environment'])
sys.path[:0] = filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))
how, what, *arguments = call['arguments']
sys.argv = [how, *arguments]
if how == '-c':
    exec(what, {'__name__': '__main__'})
else:
    runpy.run_module(what, run_name='__main__', alter_sys=True)
"""


@cache
def _server() -> subprocess.Popen:
    """It ends with this process, which holds the other end of its stdin."""
    return subprocess.Popen([sys.executable, "-c", SERVER], stdin=-1, stdout=-1, encoding="utf-8")


def python(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Do what `python -c CODE` or `python -m MODULE` does with more arguments; stdout and stderr come together."""
    server = _server()
    with tempfile.NamedTemporaryFile() as output:
        call = {"arguments": arguments, "cwd": str(cwd), "environment": dict(environment), "output": output.name}
        print(json.dumps(call), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        printed = Path(output.name).read_text(encoding="utf-8", errors="replace")
    return subprocess.CompletedProcess(arguments, code, printed)
