"""Train a network: from scratch (base, random, reduced) or with first layers copied from a base network."""

from pathlib import Path

from transferability.logs import job_log
from transferability.networks import Network
from transferability.runs import Job, Products, Recipe, Source, run_network

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        run_network(
            network=Network.parse(snakemake.wildcards.split, snakemake.wildcards.network),
            recipe=Recipe(**dict(snakemake.params.items())),
            source=Source(**{name: Path(path) for name, path in snakemake.input.items()}),
            products=Products(**{name: Path(path) for name, path in snakemake.output.items()}),
            job=Job(
                state_root=Path(snakemake.config["results_dir"], "state"),
                device=snakemake.config["device"],
                threads=snakemake.threads,
                jobs_per_device=snakemake.config["jobs"]["gpu_jobs_per_device"],
                state_seconds=snakemake.config["jobs"]["state_seconds"],
                runtime=snakemake.resources.runtime,
            ),
        )
