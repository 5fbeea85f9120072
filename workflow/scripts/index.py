"""List the images of the set."""

from pathlib import Path

from transferability.fingerprint import check_code
from transferability.layouts import index_images
from transferability.logs import job_log
from transferability.tables import write_table

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "layouts")
        write_table(index_images(snakemake.params.layout, Path(snakemake.params.root)), Path(snakemake.output.index))
