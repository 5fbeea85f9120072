"""Divide the classes of the set into halves A and B."""

from pathlib import Path

from transferability.fingerprint import check_code
from transferability.logs import job_log
from transferability.splits import split_manifests
from transferability.tables import read_index, write_table
from transferability.wordnet import hypernym_graph

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        check_code(snakemake.params.code, "splits")
        wnids = sorted(read_index(Path(snakemake.input.index))["wnid"].unique())
        graph = hypernym_graph(snakemake.config["wordnet"], wnids)
        manifests = split_manifests(snakemake.wildcards.split, wnids, graph, snakemake.params.sides)
        for half, manifest in manifests.items():
            write_table(manifest, Path(snakemake.output[half]))
