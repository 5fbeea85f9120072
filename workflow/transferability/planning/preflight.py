"""Checks of a study before anything is trained. All faults are reported at once."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from transferability.common.errors import counted
from transferability.common.pages import in_markdown
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import count_images, list_images
from transferability.planning.checks import Finding
from transferability.planning.checks.given import check_given
from transferability.planning.checks.images import SUBSETS, check_classes, check_images
from transferability.planning.checks.machine import check_device, check_disk, check_writable
from transferability.planning.checks.model_inputs import check_model_inputs, sample_of, write_contact_sheet
from transferability.planning.checks.network import check_network
from transferability.planning.checks.training import check_classes_and_splits, check_length, list_experiments
from transferability.study.study_plan import StudyPlan


def preflight(study: StudyPlan, root: Path, processes: int) -> tuple[list[Finding], pd.DataFrame]:
    """Check a study's images, splits, training, disk and device; return findings, and a table of the classes.

    Every image is decoded, in several processes, with a progress bar; if a call is killed, the next one resumes it. A
    contact sheet of the classes is written to the results directory if it is writable.
    """
    dataset, results = study.config["dataset"], study.results.root
    index, problems = list_images(dataset["layout"], root, HoldOut.of(dataset))
    counts = count_images(index)
    files = ImageFiles(dataset["layout"], root, index["path"].tolist())
    writable = check_writable(results)
    place = None if writable.faults else results
    found = ", ".join(counted(int(counts[subset].sum()), f"{name} image") for subset, name in SUBSETS.items())
    splits, tasks, classes = check_classes_and_splits(study, counts)
    names = classes.set_index("wnid")["name"].to_dict()
    sample = sample_of(study, files, index)
    findings = [
        Finding(
            "layout",
            [f"{root}: {fault}" for fault in problems.faults],
            f"{dataset['layout']} at {root}: {found}",
            problems.warnings,
        ),
        check_classes(dataset["expected"], counts),
        check_images(files, index, place, processes, dataset["scale"]),
        *splits,
        list_experiments(study),
        check_length(study, tasks, counts),
        check_network(study, sample, tasks),
        check_model_inputs(study, sample),
        check_given(study, sample),
        write_contact_sheet(study, files, index, names, place and place / "preflight" / "contact-sheet.png"),
        writable,
        check_disk(study, counts),
        check_device(study, len(counts)),
    ]
    return findings, classes


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as a page in Markdown."""
    faults = [(finding.check, fault) for finding in findings for fault in finding.faults]
    warnings = [(finding.check, warning) for finding in findings for warning in finding.warnings]
    verdict = f"**{counted(len(faults), 'fault')}.**" if faults else "**Everything is in order.**"
    if warnings:
        verdict += f" Warnings: {len(warnings)}. Nothing fails, but read them."
    lines = ["# Preflight", "", verdict, "", "| check | faults | warnings | found |", "| --- | --- | --- | --- |"]
    for finding in findings:
        counts = f"{len(finding.faults) or 'none'} | {len(finding.warnings) or 'none'}"
        lines.append(f"| {finding.check} | {counts} | {in_markdown(finding.note)} |")
    lines += ["", *(f"{number}. {check}: {_lines(fault)}" for number, (check, fault) in enumerate(faults, 1))]
    lines += ["", *(f"- warning: {check}: {_lines(warning)}" for check, warning in warnings)]
    return "\n".join(lines).rstrip() + "\n"


def _lines(text: str) -> str:
    return "\n".join(map(in_markdown, text.split("\n")))
