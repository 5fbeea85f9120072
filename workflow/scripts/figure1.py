"""Draw Figure 1: the treatments."""

from transferability.figures.figure1 import draw_figure1
from transferability.figures.style import save_figure
from transferability.runtime.script import paths, script


@script
def main(job):
    save_figure(draw_figure1(job.params.treatments, job.params.given), paths(job.output))
