"""Make Table S1: accuracy over the number of training examples per class."""

from transferability.analysis.paper_tables import TABLE_S1_TEXT, table_s1
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_accuracies
from transferability.runtime.script import paths, script


@script
def main(job):
    table = table_s1(read_accuracies(paths(job.input)))
    write_pages(table, [Section("Table S1", TABLE_S1_TEXT, table)], paths(job.output), digits=4)
