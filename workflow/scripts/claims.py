"""Decide whether the paper's conclusions hold in this study."""

from pathlib import Path

import pandas as pd

from transferability.analysis.claim_parts import Study
from transferability.analysis.claims_tables import (
    NOT_ITS_LAYERS,
    RULES,
    claims_left_out,
    claims_summary,
    claims_table,
    hangs_on_images,
    premises,
)
from transferability.analysis.kernels import read_kernels
from transferability.common.pages import Section, write_pages
from transferability.results.accuracies import read_accuracies, read_study
from transferability.runtime.script import paths, script


@script
def main(job):
    if not job.params.papers_layers:
        write_pages(claims_left_out(), [Section("Claims", NOT_ITS_LAYERS)], paths(job.output))
        return
    ours = read_study(paths(job.input.accuracies), paths(job.input.by_class))
    distances = pd.concat(map(pd.read_csv, paths(job.input.distances))) if job.input.distances else None
    kernels = read_kernels(paths(job.input.kernels))
    study = Study.from_tables(ours, kernels, job.params.measure, distances, job.params.architecture)
    paper = read_accuracies([Path(job.input.paper)])
    table = claims_table(study, Study.from_tables(paper, read_kernels([]), "top1_best10"))
    below = "The rules, and what each verdict rests on, are below."
    text = "\n\n".join([*premises(study), *hangs_on_images(study), below])
    parts = table.drop(columns=["conclusion", "verdict"])
    sections = [Section("Claims", text, claims_summary(table)), Section("Parts", RULES, parts)]
    write_pages(table, sections, paths(job.output), digits=4)
