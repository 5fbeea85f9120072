"""Decode all images into the store."""

from pathlib import Path

from transferability.logs import job_log
from transferability.store import pack
from transferability.tables import read_index

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        pack(
            root=Path(snakemake.input.root),
            paths=read_index(Path(snakemake.input.index))["path"].tolist(),
            store=Path(snakemake.output.store),
            checksums=Path(snakemake.output.checksums),
            description=Path(snakemake.output.description),
            size=snakemake.params.size,
            processes=snakemake.threads,
        )
