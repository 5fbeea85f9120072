"""Draw the training curves of all networks."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.figures.curves import draw_curves
from transferability.figures.style import save_figure
from transferability.jobs.accuracy_record import read_record

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        save_figure(draw_curves(map(read_record, map(Path, snakemake.input))), map(Path, snakemake.output))
