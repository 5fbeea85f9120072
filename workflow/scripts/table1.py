"""Make Table 1: the gain from transfer with fine-tuning."""

from transferability.analysis.paper_tables import NO_TABLE1, TABLE1_TEXT, table1
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_study
from transferability.runtime.script import paths, script


@script
def main(job):
    table = table1(
        read_study(paths(job.input.accuracies), paths(job.input.by_class)),
        job.params.measure,
    )
    section = Section("Table 1", TABLE1_TEXT, table) if len(table) else Section("Table 1", NO_TABLE1)
    write_pages(table, [section], paths(job.output), digits=2)
