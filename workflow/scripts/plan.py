"""Tell what is left to train, and what that will take."""

from pathlib import Path

import torch
from transferability.leases import leased_hardware
from transferability.logs import job_log
from transferability.pages import write_table
from transferability.plan import plan_study
from transferability.tables import read_index, read_manifest

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        config, results = snakemake.config, Path(snakemake.config["results_dir"])
        torch.set_num_threads(snakemake.threads)
        manifests = {
            (path.parent.name, path.stem): read_manifest(path) for path in map(Path, snakemake.input.manifests)
        }
        with leased_hardware(config["device"], config["jobs"]["gpu_jobs_per_device"]) as device:
            sections = plan_study(config, read_index(Path(snakemake.input.index)), manifests, device)
        pages = [results / "plan.csv", results / "plan.md"]
        write_table(sections[0].table, sections, pages)
        print(pages[1].read_text(encoding="utf-8"), flush=True)
