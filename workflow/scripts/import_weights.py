"""Take over a network that somebody trained as the base network A of a split."""

from pathlib import Path

from transferability.jobs.given import import_weights
from transferability.runtime.script import script
from transferability.study.blueprint import Blueprint


@script
def main(job):
    model = Blueprint(**job.params.blueprint)
    name = f"{job.wildcards.split}/baseA"
    import_weights(Path(job.params.file), model, **job.params.sizes, name=name, product=Path(job.output.weights))
