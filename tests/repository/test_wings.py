"""The science knows nothing of the machinery that its trainings run in; import-linter holds the imports."""

import re
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "workflow" / "transferability"
SCIENCE = ("study", "datasets", "store", "tasks", "models", "training", "results", "analysis", "figures")
MACHINERY = ("runtime", "monitor")
FILES = [file for package in SCIENCE for file in sorted((LIBRARY / package).rglob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_the_science_does_not_mention_snakemake_or_slurm(file):
    """But for commands in remedies, which users type in lower case."""
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\bSnakemake\b|Slurm|SLURM|\bos\.(fork|kill|execv?)\b", text)


def test_the_science_is_larger_than_the_machinery():
    lines = {wing: sum(_lines(LIBRARY / package) for package in wing) for wing in (SCIENCE, MACHINERY)}
    assert lines[SCIENCE] > 3 * lines[MACHINERY]


def _lines(folder: Path) -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in folder.rglob("*.py"))
