"""Draw Figure 3: dissimilar tasks and random filters beside random splits."""

from transferability.figures.figure3 import draw_figure3
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies
from transferability.runtime.script import paths, script


@script
def main(job):
    figure = draw_figure3(read_accuracies(paths(job.input)), job.params.measure, job.params.layers)
    save_figure(figure, paths(job.output))
