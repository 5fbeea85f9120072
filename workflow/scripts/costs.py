"""List what the training of each network costs: operations, and time and memory as measured."""

from pathlib import Path

from transferability.common.tables import read_index, read_manifest, write_table
from transferability.planning.operations import costs_table
from transferability.runtime.script import paths, script
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    manifests = {(path.parent.name, path.stem): read_manifest(path) for path in paths(job.input.manifests)}
    table = costs_table(StudyPlan(job.config), read_index(Path(job.input.index)), manifests)
    write_table(table, Path(job.output.table))
