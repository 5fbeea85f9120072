"""Measure how far apart the halves of each split are in WordNet."""

from pathlib import Path

import pandas as pd

from transferability.common.pages import Section, write_pages
from transferability.datasets.wordnet import hypernym_graph
from transferability.runtime.script import paths, script
from transferability.tasks.split_distances import DISTANCES_TEXT, split_distances


@script
def main(job):
    wnids = sorted(pd.read_csv(Path(job.input[0]), dtype={"wnid": str}, keep_default_na=False)["wnid"].unique())
    graph = hypernym_graph(job.params.wordnet, wnids)
    table = split_distances(job.params.splits, wnids, graph, job.params.sides)
    write_pages(table, [Section("Distances", DISTANCES_TEXT, table)], paths(job.output), digits=4)
