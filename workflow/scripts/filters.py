"""Draw the first-layer kernels of the base networks, and describe each."""

from pathlib import Path

from transferability.analysis.kernels import first_kernels, kernels_table
from transferability.common.atomic_files import write_text
from transferability.common.script import paths, script
from transferability.figures.filters import draw_filters
from transferability.figures.style import save_figure
from transferability.jobs.weights_files import read_weights

MISSING = "The first layer of this network has no kernels to draw: no single convolution of three colours."


@script
def main(job):
    kernels = {}
    for path in paths(job.input):
        tensors = {name: tensor.float().numpy() for name, tensor in read_weights(path).items()}
        found = first_kernels(tensors, job.params.first_layer, job.params.bgr)
        if found is not None:
            kernels[f"{path.parent.name}/{path.stem}"] = found
    write_text(Path(job.output.table), kernels_table(kernels).to_csv(index=False))
    save_figure(draw_filters(kernels, MISSING), [Path(job.output.pdf), Path(job.output.png)])
