"""Records of what results were made from: results are out of date if contents differ, whatever their timestamps.

A job whose rule has a script of this workflow writes a note below state/made/ in the results directory: a checksum of
its code, parameters and the content of its inputs, and one checksum of each output. When the workflow starts, results
whose notes differ are made again. The notes stay valid if the results are moved to another disk or checkout.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transferability.common.atomic_files import write_text
from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.errors import InputError
from transferability.common.tables import SHA256

LARGE = 64_000_000  # bytes above which a file is not read whole here: its readers compare checksums themselves
END = 1_000_000  # bytes that are read at both ends of such a file
PIXELS = ".npy"  # suffix of a store, which may be deleted: its description, another input, has its checksum


@contextmanager
def noted(results: Path, job: Any, code: str) -> Iterator[None]:
    """Write a note of what a job's outputs were made from; `job` has Snakemake's params, input and output.

    `code` is the checksum of the code that makes the outputs. Raises InputError if the inputs have changed at the end.
    """
    mark = _mark(results, job, code)
    yield
    if _mark(results, job, code) != mark:
        raise InputError(f"{job.output[0]}: an input was replaced while it was being made; run again")
    note = _note(results, job.output[0])
    note.parent.mkdir(parents=True, exist_ok=True)
    write_text(note, json.dumps({"mark": mark, "outputs": _there(results, job)}, indent=1) + "\n")


def is_as_made(results: Path, job: Any, code: str) -> bool:
    """Whether the existing outputs of a job are what it would make now; checksum files of tables must exist."""
    try:
        note = json.loads(_note(results, job.output[0]).read_text(encoding="utf-8"))
        whole = all(Path(path).exists() for path in job.output if path.endswith(SHA256))
        same = note["mark"] == _mark(results, job, code)
        return whole and same and _there(results, job).items() <= note["outputs"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # an input is missing, or the note is damaged
        return False


def _mark(results: Path, job: Any, code: str) -> str:
    inputs = [_input_digest(results, path) for path in job.input if not path.endswith(PIXELS)]
    return fingerprint([code, dict(job.params.items()), inputs])


def _there(results: Path, job: Any) -> dict[str, str]:
    return {_name(results, path): _digest(Path(path)) for path in job.output if Path(path).exists()}


def _input_digest(results: Path, path: str) -> str:
    """The checksum of an input file; for a directory made by a job, the mark in its note, even if it was deleted."""
    if not Path(path).is_file() and (note := _note(results, path)).is_file():
        return json.loads(note.read_text(encoding="utf-8"))["mark"]
    return _digest(Path(path))


def _digest(path: Path) -> str:
    """A checksum of a file, or of all files in a directory."""
    if path.is_dir():
        files = [file for file in path.rglob("*.*") if not file.name.startswith(".")]  # without Snakemake's own files
        return fingerprint(sorted((str(file.relative_to(path)), file_sha256(file)) for file in files))
    if (size := path.stat().st_size) <= LARGE:
        return file_sha256(path)
    with path.open("rb") as file:
        begins = file.read(END)
        file.seek(-END, 2)
        return hashlib.sha256(begins + file.read() + str(size).encode()).hexdigest()


def _note(results: Path, output: str) -> Path:
    return results / "state" / "made" / f"{_name(results, output)}.json"


def _name(results: Path, path: str) -> str:
    return str(Path(path).relative_to(results))
