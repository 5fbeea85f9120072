"""Table S1: accuracy over the number of training examples per class."""

from pathlib import Path

from transferability.analysis.paper_tables import TABLE_S1_TEXT, table_s1
from transferability.logs import job_log
from transferability.pages import Section, write_table
from transferability.results import read_accuracies

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table_s1(read_accuracies(map(Path, snakemake.input)))
        write_table(table, [Section("Table S1", TABLE_S1_TEXT, table)], map(Path, snakemake.output), digits=4)
