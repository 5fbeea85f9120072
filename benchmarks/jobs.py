"""Where the time of a finished study went: python benchmarks/jobs.py [results directory]

Prints, per kind of network, how many jobs there were and their mean seconds: the whole job, what of it was start-up
(Python, torch, Snakemake's own part) and what was reading, training and testing.
"""

import json
import sys
from pathlib import Path

import pandas as pd


def job_times(results: Path) -> pd.DataFrame:
    """One row per training job: treatment, fine_tuned, seconds of the job and of its training."""
    rows = []
    for file in sorted(results.glob("provenance/*/*.json")):
        where = file.relative_to(results / "provenance")
        accuracy = json.loads((results / "accuracy" / where).read_text())
        job = pd.read_csv((results / "benchmarks" / "train" / where).with_suffix(".tsv"), sep="\t")["s"].item()
        training = json.loads(file.read_text())["seconds"]
        kind = accuracy["treatment"] + (" fine-tuned" if accuracy["fine_tuned"] else "")
        rows.append({"network": kind, "job": job, "start-up": job - training, "training": training})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    times = job_times(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
    table = times.groupby("network").agg(["mean"]).droplevel(1, axis=1)
    table.insert(0, "jobs", times.groupby("network").size())
    print(table.round(2).to_string())
    print(f"\nall {len(times)} jobs: {times['job'].sum():.0f} s, of which start-up {times['start-up'].sum():.0f} s")
