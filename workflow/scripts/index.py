"""List the images of the data set."""

from pathlib import Path

from transferability.common.tables import write_table
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.index import index_images
from transferability.runtime.script import script


@script
def main(job):
    root = Path(job.params.root or job.input.pictures)
    index = index_images(job.params.layout, root, HoldOut(**job.params.held_out))
    write_table(index, Path(job.output.index))
