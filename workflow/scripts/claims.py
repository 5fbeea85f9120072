"""Whether the paper's conclusions hold in this study."""

from pathlib import Path

from transferability.analysis.claim_parts import Study
from transferability.analysis.claims import RULES, claims_table
from transferability.analysis.kernels import read_kernels
from transferability.common.logs import job_log
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_accuracies, read_study

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        ours = read_study(map(Path, snakemake.input.accuracies), map(Path, snakemake.input.by_class))
        study = Study.from_tables(ours, read_kernels(map(Path, snakemake.input.kernels)), snakemake.params.measure)
        paper = read_accuracies([Path(snakemake.input.paper)])
        table = claims_table(study, Study.from_tables(paper, read_kernels([]), "top1_best10"))
        verdicts = table.drop_duplicates("claim")[["claim", "conclusion", "verdict"]]
        parts = table.drop(columns=["conclusion", "verdict"])
        sections = [Section("Claims", RULES, verdicts), Section("Parts", "What each verdict rests on.", parts)]
        write_pages(table, sections, map(Path, snakemake.output), digits=4)
