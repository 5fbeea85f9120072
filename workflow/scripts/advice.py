"""Write the study's advice: whether to copy layers, how many, and whether to freeze or fine-tune them."""

from pathlib import Path

from transferability.analysis.advice_pages import advice_sections, advice_table
from transferability.common.pages import write_pages
from transferability.figures.advice import draw_advice
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_study
from transferability.runtime.script import paths, script


@script
def main(job):
    study = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    choice = job.params.measure, job.params.layers
    table = advice_table(study, *choice)
    figures = [Path(job.output.pdf), Path(job.output.png)]
    save_figure(draw_advice(table, job.params.layers), figures)
    sections = advice_sections(study, table, *choice, figure=figures[1])
    write_pages(table, sections, paths([job.output.csv, job.output.md, job.output.html]))
