"""Check everything that a study needs, before anything is trained."""

from contextlib import suppress
from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, counted
from transferability.common.spreadsheets import for_spreadsheets
from transferability.planning.preflight import preflight, report
from transferability.runtime.script import script
from transferability.study.study_plan import StudyPlan


@script
def main(job):
    study = StudyPlan(job.config)
    results = study.results.root
    findings, classes = preflight(study, Path(job.params.root), job.threads)
    page = report(findings)
    print(page, flush=True)
    with suppress(OSError):  # a directory that is not writable is one of the faults
        write_text(results / "preflight.md", page)
        write_text(results / "preflight.csv", for_spreadsheets(classes).to_csv(index=False))
    if faults := sum(len(finding.faults) for finding in findings):
        raise InputError(f"{counted(faults, 'fault')}; {results / 'preflight.md'} lists them")
