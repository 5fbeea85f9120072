"""Gather the accuracies of an experiment's networks in tables: by network, and by class."""

from pathlib import Path

from transferability.common.spreadsheets import for_spreadsheets
from transferability.common.tables import write_table
from transferability.jobs.recipe import check_sources, source_of
from transferability.results.accuracies import collect
from transferability.runtime.marks import expected_mark
from transferability.runtime.script import script
from transferability.study.grid import control_names, experiments
from transferability.study.paths import accuracy_file


@script
def main(job):
    config, results = job.config, Path(job.config["results_dir"])
    code = job.params.training_code
    networks = experiments(config)[job.wildcards.experiment]
    check_sources({source_of(results, network) for network in networks})
    expected = {
        accuracy_file(results, network.split, network.name): expected_mark(results, config, network, code)
        for network in networks
    }
    accuracy, by_class = collect(expected, control_names(config))
    write_table(accuracy, Path(job.output.accuracy))
    write_table(for_spreadsheets(by_class), Path(job.output.by_class))
