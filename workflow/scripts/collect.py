"""Gather the accuracies of an experiment's networks in tables: by network, and by class."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.script import script
from transferability.common.spreadsheets import for_spreadsheets
from transferability.jobs.recipe import check_sources, mark_of, recipe_of, source_of
from transferability.results.accuracies import collect
from transferability.study.grid import control_names, experiments
from transferability.study.paths import accuracy_file


@script
def main(job):
    config, results = job.config, Path(job.config["results_dir"])
    code = job.params.training_code
    networks = experiments(config)[job.wildcards.experiment]
    sources = {network: source_of(results, network) for network in networks}
    check_sources(set(sources.values()))
    expected = {
        accuracy_file(results, network.split, network.name): mark_of(recipe_of(config, network, code), source)
        for network, source in sources.items()
    }
    accuracy, by_class = collect(expected, control_names(config))
    write_text(Path(job.output.accuracy), accuracy.to_csv(index=False))
    write_text(Path(job.output.by_class), for_spreadsheets(by_class).to_csv(index=False))
