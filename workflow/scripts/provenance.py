"""List where, when and how fast the networks were trained."""

from transferability.common.pages import Section, write_pages
from transferability.jobs.accuracy_file import read_record
from transferability.results.provenance import PROVENANCE_TEXT, provenance_table
from transferability.runtime.script import paths, script


@script
def main(job):
    marks = [read_record(path)["fingerprint"] for path in paths(job.input.accuracies)]
    table = provenance_table(dict(zip(paths(job.input.provenance), marks, strict=True)))
    write_pages(table, [Section("Provenance", PROVENANCE_TEXT, table)], paths(job.output), digits=2)
