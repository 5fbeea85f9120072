"""Gather the accuracies of all networks of the study in one table."""

from pathlib import Path

from transferability.logs import job_log
from transferability.results import collect

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        collect(map(Path, snakemake.input)).to_csv(snakemake.output.accuracy, index=False)
