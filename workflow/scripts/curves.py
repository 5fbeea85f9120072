"""Draw the training curves of all networks."""

from transferability.figures.curves import draw_curves
from transferability.figures.style import save_figure
from transferability.jobs.accuracy_file import read_record
from transferability.runtime.script import paths, script


@script
def main(job):
    save_figure(draw_curves(map(read_record, paths(job.input)), job.params.layers), paths(job.output))
