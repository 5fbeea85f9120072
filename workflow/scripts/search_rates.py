"""Search the learning rate of a family of networks on training images of the first repeat."""

from pathlib import Path

import torch

from transferability.jobs.rate_search import best_of, try_rates
from transferability.jobs.rates_file import write_rates
from transferability.jobs.recipe import recipe_of, source_of
from transferability.runtime.devices import leased_hardware
from transferability.runtime.script import script
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    study = StudyPlan(job.config)
    torch.set_num_threads(job.threads)
    network, code = study.searches[job.wildcards.split, job.wildcards.family], job.params.recipe["code"]
    recipes = {rate: recipe_of(study, network, code, rate) for rate in job.params.rates}
    with leased_hardware(study.config["device"], study.config["jobs"]["gpu_jobs_per_device"]) as device:
        trials = try_rates(recipes, source_of(study.results, network), device)
    write_rates(Path(job.output.rates), network.name, best_of(trials), trials)
