"""Draw the first-layer kernels of the base networks, and describe each."""

from pathlib import Path

from transferability.analysis.kernels import kernels_table
from transferability.common.atomic_files import write_text
from transferability.common.script import paths, script
from transferability.figures.filters import draw_filters
from transferability.figures.style import save_figure
from transferability.jobs.weights_files import read_first_layers


@script
def main(job):
    kernels = read_first_layers(paths(job.input))
    write_text(Path(job.output.table), kernels_table(kernels).to_csv(index=False))
    save_figure(draw_filters(kernels), [Path(job.output.pdf), Path(job.output.png)])
