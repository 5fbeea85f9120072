"""List the images of the set."""

from pathlib import Path

from transferability.common.script import script
from transferability.common.tables import write_table
from transferability.datasets.index import index_images


@script
def main(job):
    write_table(index_images(job.params.layout, Path(job.params.root)), Path(job.output.index))
