"""The science knows nothing of the machinery that its trainings run in; import-linter holds the imports."""

import ast
import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow" / "transferability"
SCIENCE = ("study", "datasets", "store", "tasks", "models", "training", "results", "analysis", "figures")
MACHINERY = ("runtime", "monitor")
PROCESSES = {"subprocess", "signal", "multiprocessing", "psutil", "socket", "socketserver", "filelock"}
FILES = [file for package in SCIENCE for file in sorted((LIBRARY / package).rglob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_the_science_knows_no_snakemake_no_process_and_no_signal(file):
    text = file.read_text(encoding="utf-8")
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert not imported & PROCESSES
    assert not re.search(r"\bos\.(fork|kill|execv?)\b|Slurm|SLURM", text)
    # What a person types is named in a remedy; the program itself is not the science's matter.
    assert not re.search(r"import snakemake|\bSnakemake\b", text)


def test_the_science_is_larger_than_the_machinery():
    lines = {wing: sum(_lines(LIBRARY / package) for package in wing) for wing in (SCIENCE, MACHINERY)}
    assert lines[SCIENCE] > 3 * lines[MACHINERY]


def _lines(folder: Path) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in folder.rglob("*.py"))
