"""Tell what is left to train, and what that will take."""

from pathlib import Path

import torch

from transferability.common.pages import write_pages
from transferability.common.script import paths, script
from transferability.common.tables import read_index, read_manifest
from transferability.jobs.devices import leased_hardware
from transferability.planning.plan import plan_study


@script
def main(job):
    config, results = job.config, Path(job.config["results_dir"])
    torch.set_num_threads(job.threads)
    manifests = {(path.parent.name, path.stem): read_manifest(path) for path in paths(job.input.manifests)}
    with leased_hardware(config["device"], config["jobs"]["gpu_jobs_per_device"]) as device:
        sections = plan_study(config, read_index(Path(job.input.index)), manifests, device)
    pages = [results / "plan.csv", results / "plan.md"]
    write_pages(sections[0].table, sections, pages)
    print(pages[1].read_text(encoding="utf-8"), flush=True)
