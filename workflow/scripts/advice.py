"""What the study advises: whether to copy layers, how many, and whether to freeze or fine-tune them."""

from transferability.analysis.advice_pages import advice_sections, advice_table
from transferability.common.pages import write_pages
from transferability.common.script import paths, script
from transferability.results.accuracies import read_study


@script
def main(job):
    study = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    choice = job.params.measure, job.params.layers
    table = advice_table(study, *choice)
    write_pages(table, advice_sections(study, table, *choice), paths(job.output))
