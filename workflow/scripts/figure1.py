"""Draw Figure 1: the treatments."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.figures.figure1 import draw_figure1
from transferability.figures.style import save_figure

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        save_figure(draw_figure1(), map(Path, snakemake.output))
