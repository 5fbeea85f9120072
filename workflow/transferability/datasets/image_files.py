"""Processing the images of a set chunk by chunk in several processes; a run that was killed can be resumed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from transferability.common.checksums import fingerprint
from transferability.common.worker_pool import worker_pool
from transferability.datasets.formats import FORMATS

CHUNK = 64  # images that a process works on before it returns a result

Work = Callable[["ImageFiles", range, dict | None], dict]


@dataclass(frozen=True)
class ImageFiles:
    """The images of a set: their root (config key dataset.root), and their paths in the order of the index."""

    layout: str
    root: Path
    paths: Sequence[str]

    def read(self, row: int) -> bytes:
        """Return the content of an image file; raise OSError if it cannot be read."""
        return FORMATS[self.layout].read(self.folder, self.paths[row])

    @property
    def folder(self) -> Path:
        """The directory that the paths are relative to."""
        return self.root.parent if FORMATS[self.layout].is_file else self.root

    def stamp(self, rows: range) -> str:
        """Return a checksum of the names, sizes and modification times of images (or of the archives with them)."""
        return fingerprint([(row, self.paths[row], *self._stat(self.paths[row])) for row in rows])

    def size(self, row: int) -> int:
        """Return the size of an image's file in bytes, or of the archive with it; -1 if there is none."""
        return self._stat(self.paths[row])[0]

    def _stat(self, path: str) -> tuple[int, int]:
        for place in (self.folder / path, *(self.folder / path).parents):
            if place.is_file():
                return place.stat().st_size, place.stat().st_mtime_ns
        return -1, -1


def work_through(files: ImageFiles, work: Work, processes: int, journal: Path, label: str) -> list[dict]:
    """Return the results of `work(files, rows, before)` for all images, chunk by chunk; show progress on a terminal.

    Each result is written to the file `journal`, which may be deleted when all chunks are done. A later call passes as
    `before` the result of an earlier one for the same rows if the files are unchanged, and None otherwise. `work` must
    be picklable, and its results JSON-serialisable.
    """
    noted = _read_journal(journal)
    chunks = [range(start, min(start + CHUNK, len(files.paths))) for start in range(0, len(files.paths), CHUNK)]
    journal.parent.mkdir(parents=True, exist_ok=True)
    results = []
    with (
        worker_pool(processes, _prepare, files, work, noted) as pool,
        journal.open("a", encoding="utf-8") as notes,
        tqdm(total=len(files.paths), desc=label, unit=" images", smoothing=0, disable=None) as bar,
    ):
        notes.write("\n")  # the last line may have been cut off
        for rows, (key, result) in zip(chunks, pool.map(_work_on, chunks), strict=True):
            if noted.get(key) != result:
                notes.write(json.dumps([key, result]) + "\n")
                notes.flush()
            results.append(result)
            bar.update(len(rows))
    return results


_task: tuple[ImageFiles, Work, dict] | None = None  # set once per worker: a set has too many paths to send every time


def _prepare(*task) -> None:
    global _task
    _task = task


def _work_on(rows: range) -> tuple[str, dict]:
    files, work, noted = _task
    key = files.stamp(rows)
    return key, work(files, rows, noted.get(key))


def _read_journal(journal: Path) -> dict[str, dict]:
    if not journal.exists():
        return {}
    noted = {}
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            key, result = json.loads(line)
            noted[key] = result
        except ValueError:  # cut off
            continue
    return noted
