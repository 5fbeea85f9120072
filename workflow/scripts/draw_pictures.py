"""Draw the embedded image set."""

from pathlib import Path

from transferability.common.code import check_code
from transferability.common.logs import job_log
from transferability.datasets.pictures import write_pictures

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "datasets.pictures")
        pictures = snakemake.params.pictures
        write_pictures(
            root=Path(snakemake.output.root),
            classes=pictures["classes"],
            per_class={"train": pictures["train"], "val": pictures["val"]},
            size=snakemake.params.size,
            seed=snakemake.params.seed,
            processes=snakemake.threads,
        )
