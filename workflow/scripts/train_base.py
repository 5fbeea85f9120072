"""Train a base network on one half of a split."""

from pathlib import Path

from transferability.logs import job_log
from transferability.networks import Network
from transferability.runs import Products, Recipe, Source, run_network

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        run_network(
            network=Network(
                snakemake.wildcards.split, source=snakemake.wildcards.half, target=snakemake.wildcards.half
            ),
            recipe=Recipe(**dict(snakemake.params.items())),
            source=Source(**{name: Path(path) for name, path in snakemake.input.items()}),
            products=Products(**{name: Path(path) for name, path in snakemake.output.items()}),
            state_root=Path(snakemake.config["results_dir"], "state"),
            state_seconds=snakemake.config["jobs"]["state_seconds"],
            device=snakemake.config["device"],
            threads=snakemake.threads,
        )
