"""Combine the tables of the experiments: the accuracies of all networks of the study."""

from pathlib import Path

from transferability.common.tables import write_table
from transferability.results.accuracies import read_accuracies
from transferability.runtime.script import paths, script


@script
def main(job):
    table = read_accuracies(paths(job.input))
    write_table(table, Path(job.output.accuracy))
