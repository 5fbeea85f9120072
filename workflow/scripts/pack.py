"""Decode all images into the store."""

from pathlib import Path

from transferability.common.tables import read_index
from transferability.datasets.image_files import ImageFiles
from transferability.runtime.code import script_code
from transferability.runtime.script import paths, script
from transferability.runtime.shared_store import pack_shared
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles
from transferability.store.square import Square


@script
def main(job):
    where = StoreFiles(Path(job.input.index), *paths(job.output))
    images = read_index(where.index)["path"].tolist()
    files = ImageFiles(job.params.layout, Path(job.params.root or job.input.pictures), images)
    square = Square(job.params.size, job.params.fit, job.params.orientation, job.params.scale)
    code = script_code(__file__)
    if job.params.store:
        pack_shared(files, where, square, job.threads, code, Path(job.params.store).expanduser())
    else:
        notes = Path(job.config["results_dir"], "state", "pack.jsonl")
        pack(files, where, square, job.threads, code, notes)
