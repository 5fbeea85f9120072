"""Estimate how transfer loss grows with the semantic distance of the halves, and draw Figure 4."""

from pathlib import Path

import pandas as pd

from transferability.analysis.distance import TEXT, distance_table, losses
from transferability.analysis.relative import relative_accuracies
from transferability.common.pages import Section, write_pages
from transferability.figures.figure4 import draw_figure4
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_study
from transferability.runtime.script import paths, script


@script
def main(job):
    study = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    table = losses(relative_accuracies(study, job.params.measure), pd.read_csv(job.input.distances))
    slopes = distance_table(table)
    write_pages(slopes, [Section("Distance", TEXT, slopes)], paths([job.output.csv, job.output.md, job.output.html]))
    save_figure(draw_figure4(table), [Path(job.output.pdf), Path(job.output.png)])
