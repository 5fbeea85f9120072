"""List the learning rates that were tried for each family of networks, and which one was chosen."""

from transferability.common.pages import Section, write_pages
from transferability.results.rates import RATES_TEXT, rates_in_words, rates_table
from transferability.runtime.script import paths, script


@script
def main(job):
    table = rates_table(paths(job.input))
    write_pages(table, [Section("Learning rates", RATES_TEXT, rates_in_words(table))], paths(job.output))
