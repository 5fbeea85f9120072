"""Put the paper's own accuracies into the columns of a study's table."""

from pathlib import Path

from transferability.logs import job_log
from transferability.results import paper_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        paper_accuracies(Path(snakemake.input[0])).to_csv(snakemake.output.accuracy, index=False)
