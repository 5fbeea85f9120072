"""Draw Figure S1: accuracy over the number of training examples per class."""

from transferability.figures.figureS1 import draw_figure_s1
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies
from transferability.runtime.script import paths, script


@script
def main(job):
    figure = draw_figure_s1(read_accuracies(paths(job.input)), job.params.measure)
    save_figure(figure, paths(job.output))
