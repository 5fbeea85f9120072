"""Table 1: what transfer with fine-tuning wins."""

from pathlib import Path

from transferability.analysis.paper_tables import table1
from transferability.logs import job_log
from transferability.pages import Section, write_table
from transferability.results import read_study

TEXT = """Points of top-1 accuracy that AnB+ has more than base and than BnB+, averaged over ranges of n. Unpaired: the
paper's way, means over all networks there are. Paired: each network relative to the base network of its own target
half first; low and high bound its 90 % interval (empty where one split stands alone)."""

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = table1(
            read_study(map(Path, snakemake.input.accuracies), map(Path, snakemake.input.by_class)),
            snakemake.params.measure,
        )
        write_table(table, [Section("Table 1", TEXT, table)], map(Path, snakemake.output), digits=2)
