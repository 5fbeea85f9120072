"""Put the experiments' tables together: the accuracies of all networks of the study."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.script import paths, script
from transferability.results.accuracies import read_accuracies


@script
def main(job):
    table = read_accuracies(paths(job.input))
    write_text(Path(job.output.accuracy), table.to_csv(index=False))
