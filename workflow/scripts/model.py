"""Train the network that the advice or the configuration names once more, and write it as a model for use elsewhere."""

from pathlib import Path

from transferability.jobs.accuracy_file import read_record
from transferability.jobs.recipe import recipe_of
from transferability.jobs.take_home import write_model
from transferability.results.advised import read_advised
from transferability.runtime.script import script
from transferability.runtime.take_home import trained_with_weights
from transferability.study.given_arms import first_repeat
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    study, code = StudyPlan(job.config), job.params.code
    advised = read_advised(Path(job.input.advice)) if job.input.advice else None
    network = first_repeat(study, advised.name_in(study) if advised else job.params.model)
    products = trained_with_weights(study, network, code, job.threads, job.resources.runtime)
    recipe = recipe_of(study, network, code[study.model(network.split).architecture])
    record = read_record(products.accuracy)
    write_model(Path(job.output[0]), recipe, record, products.weights, advised and advised.loss_bound)
