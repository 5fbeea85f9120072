"""Which side each class is on, man-made or natural, and what decided it."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.common.tables import read_table
from transferability.datasets.wordnet import hypernym_graph
from transferability.tasks.splits import CLASSES_TEXT, class_sides

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wnids = sorted(read_table(Path(snakemake.input[0]), ["wnid"])["wnid"].unique())
        table = class_sides(wnids, hypernym_graph(snakemake.params.wordnet, wnids), snakemake.params.sides)
        write_pages(table, [Section("Classes", CLASSES_TEXT, table)], map(Path, snakemake.output))
