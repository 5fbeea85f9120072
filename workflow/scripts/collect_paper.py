"""Put the paper's own accuracies into the columns of a study's table."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.logs import job_log
from transferability.results.paper import paper_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = paper_accuracies(Path(snakemake.input[0]))
        write_text(Path(snakemake.output.accuracy), table.to_csv(index=False))
