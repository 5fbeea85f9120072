"""Gather the accuracies of an experiment's networks in tables: by network, and by class."""

from pathlib import Path

from transferability.logs import job_log
from transferability.results import collect

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        accuracy, by_class = collect(map(Path, snakemake.input))
        accuracy.to_csv(snakemake.output.accuracy, index=False)
        by_class.to_csv(snakemake.output.by_class, index=False)
