"""Effects per n and split, with intervals."""

from transferability.analysis.effects import TEXT, effects_table
from transferability.common.pages import Section, write_pages
from transferability.common.script import paths, script
from transferability.results.accuracies import read_study


@script
def main(job):
    table = effects_table(
        read_study(paths(job.input.accuracies), paths(job.input.by_class)),
        job.params.measure,
    )
    write_pages(table, [Section("Effects", TEXT, table)], paths(job.output), digits=4)
