"""List the images of the set."""

from pathlib import Path

from transferability.layouts import index_images
from transferability.logs import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        index_images(snakemake.params.layout, Path(snakemake.input.root)).to_csv(snakemake.output.index, index=False)
