"""List the images of the set."""

from pathlib import Path

from transferability.common.code import check_code
from transferability.common.logs import job_log
from transferability.common.tables import write_table
from transferability.datasets.index import index_images

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "datasets.index")
        write_table(index_images(snakemake.params.layout, Path(snakemake.params.root)), Path(snakemake.output.index))
