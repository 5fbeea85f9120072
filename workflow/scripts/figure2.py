"""Draw Figure 2: the accuracy of every network, and the treatments' means, over the number of copied layers."""

from pathlib import Path

from transferability.figures.figure2 import draw_figure2
from transferability.figures.interactive import interactive_figure2, save_chart
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies
from transferability.runtime.script import paths, script


@script
def main(job):
    accuracies, params = read_accuracies(paths(job.input)), job.params
    figure = draw_figure2(accuracies, params.measure, params.study, params.layers)
    save_figure(figure, paths([job.output.pdf, job.output.png]))
    save_chart(interactive_figure2(accuracies, params.measure), Path(job.output.html))
