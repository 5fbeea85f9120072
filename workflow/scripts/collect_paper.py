"""Convert the paper's accuracies to the columns of a study's table."""

from pathlib import Path

from transferability.common.tables import write_table
from transferability.results.paper import paper_accuracies
from transferability.runtime.script import script


@script
def main(job):
    table = paper_accuracies(Path(job.input[0]))
    write_table(table, Path(job.output.accuracy))
