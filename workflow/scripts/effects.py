"""Estimate effects per n and split, with intervals."""

from transferability.analysis.additive import TEXT as ADDITIVE_TEXT
from transferability.analysis.additive import additive_fit
from transferability.analysis.effects import SUMMARY_TEXT, TEXT, effects_summary, effects_table
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_study
from transferability.runtime.script import paths, script


@script
def main(job):
    study = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    table = effects_table(study, job.params.measure)
    summary = effects_summary(study, job.params.measure).drop(columns="split")
    sections = [Section("Summary", SUMMARY_TEXT, summary), Section("Effects", TEXT, table)]
    fitted = additive_fit(study, job.params.measure)
    if not fitted.empty:
        sections.insert(1, Section("Additive fit", ADDITIVE_TEXT, fitted))
    write_pages(table, sections, paths(job.output), digits=4)
