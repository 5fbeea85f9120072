"""Where, when and how fast the networks were trained."""

from pathlib import Path

from transferability.logs import job_log
from transferability.pages import Section, write_table
from transferability.results import PROVENANCE_TEXT, provenance_table

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = provenance_table(map(Path, snakemake.input))
        write_table(table, [Section("Provenance", PROVENANCE_TEXT, table)], map(Path, snakemake.output), digits=2)
