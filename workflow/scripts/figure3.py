"""Draw Figure 3: dissimilar tasks and random filters beside random splits."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.figures.figure3 import draw_figure3
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        figure = draw_figure3(read_accuracies(map(Path, snakemake.input)), snakemake.params.measure)
        save_figure(figure, map(Path, snakemake.output))
