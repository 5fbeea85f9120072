"""Draw Figure 2: the accuracy of every network, and the treatments' means, over the number of copied layers."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.figures.figure2 import draw_figure2
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        figure = draw_figure2(read_accuracies(map(Path, snakemake.input)), snakemake.params.measure)
        save_figure(figure, map(Path, snakemake.output))
