"""List the images of the set."""

from pathlib import Path

from transferability.layouts import index_images
from transferability.logs import job_log
from transferability.tables import write_table

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        write_table(index_images(snakemake.params.layout, Path(snakemake.input.root)), Path(snakemake.output.index))
