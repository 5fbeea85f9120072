"""Write the study's advice: which networks to train, what that may lose, and what is ruled out."""

from pathlib import Path

import pandas as pd

from transferability.analysis.advice_pages import advice_sections, advice_table
from transferability.analysis.arms import Records, sources
from transferability.common.pages import write_pages
from transferability.common.tables import read_index
from transferability.figures.advice import draw_advice
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies, read_by_class
from transferability.results.costs import read_costs
from transferability.results.outcomes import read_units
from transferability.runtime.script import paths, script


@script
def main(job):
    accuracies, params = read_accuracies(paths(job.input.accuracies)), job.params
    index = [read_index(path) for path in paths(job.input.index)]
    records = Records(
        accuracies,
        params.measure,
        params.layers,
        read_by_class(paths(job.input.by_class)),
        read_units(paths(job.input.answers), *index) if index else pd.DataFrame(),
        read_costs(*paths(job.input.costs)) if job.input.costs else pd.DataFrame(),
        params.folds,
        params.margin,
    )
    found = sources(records)
    table = advice_table(found)
    figures = [Path(job.output.pdf), Path(job.output.png)]
    save_figure(draw_advice(table, params.layers), figures)
    sections = advice_sections(accuracies, found, figures[1])
    write_pages(table, sections, paths([job.output.csv, job.output.md, job.output.html]))
