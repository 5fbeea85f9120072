"""Whether the paper's conclusions hold in this study."""

from pathlib import Path

from transferability.analysis.claims import Study, claims_table
from transferability.analysis.kernels import read_kernels
from transferability.logs import job_log
from transferability.pages import Section, write_table
from transferability.results import read_accuracies, read_study

RULES = """A claim is confirmed if all of its parts are, contradicted if one is. A part is confirmed if its whole 90 %
interval (low to high) keeps the rule, contradicted if all of it breaks the rule, else not decided: the error of each
verdict is at most 5 % (for a claim of several parts to be contradicted, 5 % divided by their number). Values are shares
of 1; one point is .01, and what differs by less counts as equal. The paper's values come from its own accuracies by the
same rules."""

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        ours = read_study(map(Path, snakemake.input.accuracies), map(Path, snakemake.input.by_class))
        study = Study.from_tables(ours, read_kernels(map(Path, snakemake.input.kernels)), snakemake.params.measure)
        paper = read_accuracies([Path(snakemake.input.paper)])
        table = claims_table(study, Study.from_tables(paper, read_kernels([]), "top1_best10"))
        verdicts = table.drop_duplicates("claim")[["claim", "conclusion", "verdict"]]
        parts = table.drop(columns=["conclusion", "verdict"])
        sections = [Section("Claims", RULES, verdicts), Section("Parts", "What each verdict rests on.", parts)]
        write_table(table, sections, map(Path, snakemake.output), digits=4)
