"""Table S1: accuracy over the number of training examples per class."""

from pathlib import Path

from transferability.analysis.paper_tables import TABLE_S1_TEXT, table_s1
from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table_s1(read_accuracies(map(Path, snakemake.input)))
        write_pages(table, [Section("Table S1", TABLE_S1_TEXT, table)], map(Path, snakemake.output), digits=4)
