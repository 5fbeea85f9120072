"""Put the paper's own accuracies into the columns of a study's table."""

from pathlib import Path

from transferability.common.script import script
from transferability.common.tables import write_table
from transferability.results.paper import paper_accuracies


@script
def main(job):
    table = paper_accuracies(Path(job.input[0]))
    write_table(table, Path(job.output.accuracy))
