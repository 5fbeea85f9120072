"""Table 1: what transfer with fine-tuning wins."""

from pathlib import Path

from transferability.analysis.paper_tables import TABLE1_TEXT, table1
from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_study

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table1(
            read_study(map(Path, snakemake.input.accuracies), map(Path, snakemake.input.by_class)),
            snakemake.params.measure,
        )
        write_pages(table, [Section("Table 1", TABLE1_TEXT, table)], map(Path, snakemake.output), digits=2)
