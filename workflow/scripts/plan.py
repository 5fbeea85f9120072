"""Report what is left to train, what it will cost, and which claims it can decide."""

from pathlib import Path

import torch

from transferability.analysis.power import power_section
from transferability.common.pages import write_pages
from transferability.common.tables import read_index, read_manifest
from transferability.datasets.index import count_images
from transferability.planning.plan import plan_study
from transferability.results.accuracies import read_finished
from transferability.runtime.devices import leased_hardware
from transferability.runtime.script import paths, script
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    study = StudyPlan(job.config)
    torch.set_num_threads(job.threads)
    manifests = {(path.parent.name, path.stem): read_manifest(path) for path in paths(job.input.manifests)}
    index = read_index(Path(job.input.index))
    with leased_hardware(study.config["device"], study.config["jobs"]["gpu_jobs_per_device"]) as device:
        sections = plan_study(study, index, manifests, device)
    power = power_section(study, int(count_images(index)["val"].sum()), read_finished(study))
    sections += [power] if power else []
    pages = [study.results.root / "plan.csv", study.results.root / "plan.md"]
    write_pages(sections[0].table, sections, pages)
    print(pages[1].read_text(encoding="utf-8"), flush=True)
