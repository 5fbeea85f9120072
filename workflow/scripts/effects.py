"""Effects per n and split, with intervals."""

from transferability.analysis.effects import SUMMARY_TEXT, TEXT, effects_summary, effects_table
from transferability.common.pages import Section, write_pages
from transferability.common.script import paths, script
from transferability.results.accuracies import read_study


@script
def main(job):
    study = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    table = effects_table(study, job.params.measure)
    summary = effects_summary(study, job.params.measure).drop(columns="split")
    write_pages(
        table, [Section("Summary", SUMMARY_TEXT, summary), Section("Effects", TEXT, table)], paths(job.output), digits=4
    )
