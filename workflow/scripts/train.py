"""Train a network: from scratch (base, random, reduced) or with first layers copied from a base network."""

import sys

from transferability.jobs.fork_server import train

if __name__ == "__main__":
    jobs = snakemake.config["jobs"]
    task = {
        "log": snakemake.log[0],
        "recipe": dict(snakemake.params.items()),
        "source": {name: str(path) for name, path in snakemake.input.items()},
        "products": {name: str(path) for name, path in snakemake.output.items()},
        "job": {
            "state_root": f"{snakemake.config['results_dir']}/state",
            "device": snakemake.config["device"],
            "threads": snakemake.threads,
            "jobs_per_device": jobs["gpu_jobs_per_device"],
            "state_seconds": jobs["state_seconds"],
            "runtime": snakemake.resources.runtime,
        },
    }
    sys.exit(train(task))
