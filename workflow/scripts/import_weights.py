"""Import a given network as the base network A of a split."""

from pathlib import Path

from transferability.common.checksums import file_sha256
from transferability.common.errors import InputError
from transferability.jobs.given import import_weights
from transferability.runtime.script import script
from transferability.study.blueprint import Blueprint


@script
def main(job):
    file, model = Path(job.params.file), Blueprint(**job.params.blueprint)
    if file_sha256(file) != job.params.checksum:
        raise InputError(f"{file} was replaced after snakemake started; run the same command again")
    name = f"{job.wildcards.split}/baseA"
    import_weights(file, model, **job.params.sizes, name=name, product=Path(job.output.weights))
