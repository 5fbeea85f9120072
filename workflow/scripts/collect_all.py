"""Put the experiments' tables together: the accuracies of all networks of the study."""

from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.logs import job_log
from transferability.results.accuracies import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = read_accuracies(map(Path, snakemake.input))
        write_text(Path(snakemake.output.accuracy), table.to_csv(index=False))
