"""The largest WordNet nodes of the data set."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.common.tables import read_table
from transferability.datasets.wordnet import NODES_TEXT, hypernym_graph, largest_nodes

COUNT = 20  # as in the paper's supplement

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wnids = sorted(read_table(Path(snakemake.input[0]), ["wnid"])["wnid"].unique())
        table = largest_nodes(hypernym_graph(snakemake.params.wordnet, wnids), wnids, COUNT)
        write_pages(table, [Section("Largest WordNet nodes", NODES_TEXT, table)], map(Path, snakemake.output))
