"""Draw Figure 3: dissimilar tasks and random filters beside random splits."""

from transferability.common.script import paths, script
from transferability.figures.figure3 import draw_figure3
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies


@script
def main(job):
    figure = draw_figure3(read_accuracies(paths(job.input)), job.params.measure, job.params.layers)
    save_figure(figure, paths(job.output))
