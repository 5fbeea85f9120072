"""Divide the classes of the data set into halves A and B."""

from pathlib import Path

from transferability.common.tables import read_index, write_table
from transferability.datasets.wordnet import hypernym_graph
from transferability.runtime.script import script
from transferability.tasks.splits import split_manifests


@script
def main(job):
    wnids = sorted(read_index(Path(job.input.index))["wnid"].unique())
    # If only names come from WordNet, another version of it is no reason to divide the classes again.
    graph = hypernym_graph(job.params.wordnet or job.config["wordnet"], wnids)
    manifests = split_manifests(job.wildcards.split, wnids, graph, job.params.sides)
    for half, manifest in manifests.items():
        write_table(manifest, Path(job.output[half]))
