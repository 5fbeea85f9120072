"""Where, when and how fast the networks were trained."""

from pathlib import Path

from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.results.provenance import PROVENANCE_TEXT, provenance_table

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = provenance_table(map(Path, snakemake.input))
        write_pages(table, [Section("Provenance", PROVENANCE_TEXT, table)], map(Path, snakemake.output), digits=2)
