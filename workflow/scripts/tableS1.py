"""Table S1: accuracy over the number of training examples per class."""

from pathlib import Path

from transferability.analysis.paper_tables import table_s1
from transferability.logs import job_log
from transferability.pages import Section, write_table
from transferability.results import read_accuracies

TEXT = """Networks trained on the first examples of each class, all classes: top-1 accuracy of the last test, and the
mean of the ten best."""

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table_s1(read_accuracies(map(Path, snakemake.input)))
        write_table(table, [Section("Table S1", TEXT, table)], map(Path, snakemake.output), digits=4)
