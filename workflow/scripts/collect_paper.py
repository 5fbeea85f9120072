"""Put the paper's own accuracies into the columns of a study's table."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.script import script
from transferability.results.paper import paper_accuracies


@script
def main(job):
    table = paper_accuracies(Path(job.input[0]))
    write_text(Path(job.output.accuracy), table.to_csv(index=False))
