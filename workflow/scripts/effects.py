"""Effects per n and split, with intervals."""

from pathlib import Path

from transferability.analysis.effects import TEXT, effects_table
from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_study

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        table = effects_table(
            read_study(map(Path, snakemake.input.accuracies), map(Path, snakemake.input.by_class)),
            snakemake.params.measure,
        )
        write_pages(table, [Section("Effects", TEXT, table)], map(Path, snakemake.output), digits=4)
