"""What a dry run takes, over the number of networks: python benchmarks/dry_run.py

On the embedded study, whose number of random splits grows; 58 networks each. Median of three.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from record import record

REPOSITORY = Path(__file__).parents[1]
REPEATS = 3


def dry_run(splits: int) -> float:
    """Seconds of a dry run for the whole grid of a study of which nothing is there."""
    command = [sys.executable, "-m", "snakemake"]
    grid = ["--config", f"splits={{random: {splits}}}", "results_dir=results/none"]
    began = time.perf_counter()
    subprocess.run(
        [*command, "results/none/figure2.pdf", "--dry-run", "--quiet", "--configfile", "config/config.yaml", *grid],
        check=True,
        capture_output=True,
        cwd=REPOSITORY,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    rows = []
    for splits in (1, 10, 104):
        seconds = statistics.median(dry_run(splits) for _ in range(REPEATS))
        rows.append((58 * splits, seconds, 1000 * seconds / (58 * splits)))
    table = pd.DataFrame(rows, columns=["networks", "seconds", "ms a network"])
    record("dry_run", table, "snakemake -n results/figure2.pdf, nothing made yet")
