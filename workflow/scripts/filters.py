"""Draw the first-layer kernels of the base networks, and describe each."""

from pathlib import Path

from transferability.analysis.kernels import kernels_table
from transferability.common.atomic_files import write_text
from transferability.common.logs import job_log
from transferability.figures.filters import draw_filters
from transferability.figures.style import save_figure
from transferability.jobs.weights_files import read_first_layers

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        kernels = read_first_layers(map(Path, snakemake.input))
        write_text(Path(snakemake.output.table), kernels_table(kernels).to_csv(index=False))
        save_figure(draw_filters(kernels), [Path(snakemake.output.pdf), Path(snakemake.output.png)])
