"""Divide the classes of the set into halves A and B."""

from pathlib import Path

from transferability.common.code import check_code
from transferability.common.logs import job_log
from transferability.common.tables import read_index, write_table
from transferability.datasets.wordnet import hypernym_graph
from transferability.tasks.splits import split_manifests

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "tasks.splits")
        wnids = sorted(read_index(Path(snakemake.input.index))["wnid"].unique())
        graph = hypernym_graph(snakemake.config["wordnet"], wnids)
        manifests = split_manifests(snakemake.wildcards.split, wnids, graph, snakemake.params.sides)
        for half, manifest in manifests.items():
            write_table(manifest, Path(snakemake.output[half]))
