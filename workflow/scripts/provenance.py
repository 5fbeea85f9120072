"""Where, when and how fast the networks were trained."""

from transferability.common.pages import Section, write_pages
from transferability.common.script import paths, script
from transferability.results.provenance import PROVENANCE_TEXT, provenance_table


@script
def main(job):
    table = provenance_table(paths(job.input))
    write_pages(table, [Section("Provenance", PROVENANCE_TEXT, table)], paths(job.output), digits=2)
