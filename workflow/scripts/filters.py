"""Draw the first-layer kernels of the base networks, and describe each kernel before and after training."""

from pathlib import Path

from transferability.analysis.kernels import first_kernels, kernels_table
from transferability.common.atomic_files import write_text
from transferability.figures.filters import draw_filters
from transferability.figures.style import save_figure
from transferability.jobs.accuracy_file import read_record
from transferability.jobs.initial_weights import initial_weights
from transferability.jobs.weights_files import read_weights
from transferability.runtime.script import paths, script
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan

MISSING = "The first layer of this network has no kernels to draw: no single convolution of three colours."


@script
def main(job):
    study = StudyPlan(job.config)

    def kernels_of(weights, model):
        tensors = {name: tensor.float().numpy() for name, tensor in weights.items()}
        return first_kernels(tensors, model.layers[0], model.blueprint.order == "bgr")

    kernels, at_start = {}, {}
    for path in paths(job.input):
        key, network = f"{path.parent.name}/{path.stem}", Network.parse(path.parent.name, path.stem)
        model = study.model(network.split)
        if (found := kernels_of(read_weights(path), model)) is None:
            continue
        kernels[key] = found
        accuracy = study.results.accuracy(network.split, network.name)
        if accuracy.exists():  # a given network has none, and its initial weights are unknown
            weights = initial_weights(study, network, read_record(accuracy)["classes"])
            at_start[key] = kernels_of(weights, model)
    write_text(Path(job.output.table), kernels_table(kernels, at_start).to_csv(index=False))
    save_figure(draw_filters(kernels, MISSING), [Path(job.output.pdf), Path(job.output.png)])
