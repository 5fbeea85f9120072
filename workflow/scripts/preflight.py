"""Check everything that a study needs, before anything trains."""

from contextlib import suppress
from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError
from transferability.common.logs import job_log
from transferability.planning.preflight import preflight, report

if __name__ == "__main__":
    results = Path(snakemake.config["results_dir"])
    with job_log(snakemake.log[0]):
        root = Path(snakemake.params.root)
        findings, classes = preflight(snakemake.config, root, results, snakemake.threads)
        page = report(findings)
        print(page, flush=True)
        with suppress(OSError):  # that it cannot write there is among the faults
            write_text(results / "preflight.md", page)
            write_text(results / "preflight.csv", classes.to_csv(index=False))
        if faults := sum(len(finding.faults) for finding in findings):
            raise InputError(f"preflight found {faults} faults; {results / 'preflight.md'} lists them")
