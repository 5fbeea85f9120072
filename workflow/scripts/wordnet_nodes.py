"""List the largest WordNet nodes of the data set."""

from pathlib import Path

from transferability.common.pages import Section, write_pages
from transferability.common.tables import read_table
from transferability.datasets.wordnet import NODES_TEXT, hypernym_graph, largest_nodes
from transferability.runtime.script import paths, script

COUNT = 20  # as in the paper's supplement


@script
def main(job):
    wnids = sorted(read_table(Path(job.input[0]), ["wnid"])["wnid"].unique())
    table = largest_nodes(hypernym_graph(job.params.wordnet, wnids), wnids, COUNT)
    write_pages(table, [Section("Largest WordNet nodes", NODES_TEXT, table)], paths(job.output))
