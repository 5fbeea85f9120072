"""Decode all images into the store."""

from pathlib import Path

from transferability.fingerprint import check_code
from transferability.layouts.files import ImageFiles
from transferability.logs import job_log
from transferability.packing import pack
from transferability.store import StoreFiles
from transferability.tables import read_index

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "images", "layouts")
        where = StoreFiles(Path(snakemake.input.index), *map(Path, snakemake.output))
        paths = read_index(where.index)["path"].tolist()
        pack(
            files=ImageFiles(snakemake.params.layout, Path(snakemake.params.root), paths),
            where=where,
            size=snakemake.params.size,
            processes=snakemake.threads,
            notes=Path(snakemake.config["results_dir"], "state", "pack.jsonl"),
        )
