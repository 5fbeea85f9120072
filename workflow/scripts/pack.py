"""Decode all images into the store."""

from pathlib import Path

from transferability.common.code import check_code
from transferability.common.logs import job_log
from transferability.common.tables import read_index
from transferability.datasets.image_files import ImageFiles
from transferability.store.packing import pack
from transferability.store.reading import StoreFiles

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "store.decoding.read_image", "datasets.formats")
        where = StoreFiles(Path(snakemake.input.index), *map(Path, snakemake.output))
        paths = read_index(where.index)["path"].tolist()
        pack(
            files=ImageFiles(snakemake.params.layout, Path(snakemake.params.root), paths),
            where=where,
            size=snakemake.params.size,
            processes=snakemake.threads,
            notes=Path(snakemake.config["results_dir"], "state", "pack.jsonl"),
        )
