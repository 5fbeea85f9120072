"""List the images of the data set."""

from pathlib import Path

from transferability.common.tables import write_table
from transferability.datasets.index import index_images
from transferability.runtime.script import script


@script
def main(job):
    index = index_images(job.params.layout, Path(job.params.root or job.input.pictures), job.params.validation)
    write_table(index, Path(job.output.index))
