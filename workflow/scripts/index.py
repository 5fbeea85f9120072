"""List the images of the set."""

from pathlib import Path

from transferability.common.code import check_code
from transferability.common.script import script
from transferability.common.tables import write_table
from transferability.datasets.index import index_images


@script
def main(job):
    check_code(job.params.code, "datasets.index")
    write_table(index_images(job.params.layout, Path(job.params.root)), Path(job.output.index))
