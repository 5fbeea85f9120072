"""List the side of each class, man-made or natural, and the reason for it."""

from pathlib import Path

from transferability.common.pages import Section, write_pages
from transferability.common.tables import read_table
from transferability.datasets.wordnet import hypernym_graph
from transferability.runtime.script import paths, script
from transferability.tasks.splits import CLASSES_TEXT, class_sides


@script
def main(job):
    wnids = sorted(read_table(Path(job.input[0]), ["wnid"])["wnid"].unique())
    table = class_sides(wnids, hypernym_graph(job.params.wordnet, wnids), job.params.sides)
    write_pages(table, [Section("Classes", CLASSES_TEXT, table)], paths(job.output))
