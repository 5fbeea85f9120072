"""The output of every benchmark: a printed table, and a JSON file of it with hardware and versions."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch

from transferability.jobs.provenance import installed_version

FOLDER = Path(__file__).parents[1] / "results" / "benchmarks"
# None if a package is not installed on the machine.
VERSIONS = {package: installed_version(package) for package in ("torch", "torchvision", "numpy", "pillow", "snakemake")}


def record(name: str, table: pd.DataFrame, notes: str = "") -> None:
    """Print a table with its notes, and write both to results/benchmarks/{name}.json."""
    content = {
        "benchmark": name,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "versions": {"python": platform.python_version()} | VERSIONS,
        "notes": notes,
        "table": json.loads(table.to_json(orient="records")),
    }
    print(table.to_string(index=False, float_format=lambda number: f"{number:,.4g}"))
    print(f"\n{notes}".rstrip())
    print(", ".join(f"{key} {value}" for key, value in content["hardware"].items()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def hardware() -> dict:
    """Return the machine's processor, cores, memory in GB, and GPU ("none" without one)."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
    }
