"""Collect the accuracies of an experiment's networks in two tables: by network, and by class."""

from pathlib import Path

from transferability.common.spreadsheets import for_spreadsheets
from transferability.common.tables import write_table
from transferability.jobs.recipe import check_sources, source_of
from transferability.results.accuracies import collect
from transferability.runtime.script import paths, script
from transferability.runtime.up_to_date import expected_mark
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    study, files = StudyPlan(job.config), paths(job.input.networks)
    networks = [Network.parse(file.parent.name, file.stem) for file in files]
    check_sources({source_of(study.results, network) for network in networks})
    marks = [expected_mark(study, network, job.params.training_code) for network in networks]
    accuracy, by_class = collect(dict(zip(files, marks, strict=True)), study.controls)
    write_table(accuracy, Path(job.output.accuracy))
    write_table(for_spreadsheets(by_class), Path(job.output.by_class))
