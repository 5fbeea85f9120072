"""What a result was made from, noted when it is made: content says what is out of date, whatever clocks say.

The job of a rule with a parameter `code` leaves a note below state/made/ in the results directory: a checksum of its
parameters and of the content of its inputs, and one of each of its outputs. When the workflow starts, results whose
note says otherwise are made again. Notes go where the results go: to another disk, or another checkout.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from transferability.common.atomic_files import write_text
from transferability.common.checksums import fingerprint

LARGE = 64_000_000  # bytes of a file, of which not all is read: its readers compare what they read with checksums
END = 1_000_000  # bytes at both ends of such a file, where it says what it is


def note_made(results: Path, job: Any) -> None:
    """Note what a job's outputs are made from; `job` has params, input and output as Snakemake describes them."""
    note = _note(results, job.output[0])
    note.parent.mkdir(parents=True, exist_ok=True)
    files = {_name(results, path): _digest(results, path) for path in job.output if Path(path).is_file()}
    write_text(note, json.dumps({"mark": _mark(results, job), "files": files}, indent=1) + "\n")


def is_as_made(results: Path, job: Any) -> bool:
    """Whether a job's outputs, those that are there, are what it would make now."""
    try:
        noted = json.loads(_note(results, job.output[0]).read_text(encoding="utf-8"))
        there = [path for path in job.output if Path(path).is_file()]
        found = {_name(results, path): _digest(results, path) for path in there}
        return noted["mark"] == _mark(results, job) and found.items() <= noted["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # an input is not there, or the note is damaged
        return False


def _mark(results: Path, job: Any) -> str:
    return fingerprint([dict(job.params.items()), [_digest(results, path) for path in job.input]])


def _digest(results: Path, path: str) -> str:
    """A checksum of a file; of a directory that a job made, what its note says of it."""
    if not Path(path).is_file() and (note := _note(results, path)).is_file():
        return json.loads(note.read_text(encoding="utf-8"))["mark"]
    with Path(path).open("rb") as file:
        if (size := Path(path).stat().st_size) <= LARGE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        begins = file.read(END)
        file.seek(-END, 2)
        return hashlib.sha256(begins + file.read() + str(size).encode()).hexdigest()


def _note(results: Path, output: str) -> Path:
    return results / "state" / "made" / f"{_name(results, output)}.json"


def _name(results: Path, path: str) -> str:
    return str(Path(path).relative_to(results))
