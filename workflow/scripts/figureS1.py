"""Draw Figure S1: accuracy over the number of training examples per class."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.figures.figureS1 import draw_figure_s1
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        figure = draw_figure_s1(read_accuracies(map(Path, snakemake.input)), snakemake.params.measure)
        save_figure(figure, map(Path, snakemake.output))
