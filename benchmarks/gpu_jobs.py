"""Networks of the default study per minute, several at a time on one device: python benchmarks/gpu_jobs.py [jobs ...]

Each job is a separate process, as with `jobs.gpu_jobs_per_device`. It starts, trains one base network of
config/config.yaml on random pictures, as many as a half of that study has, and ends. The default numbers of jobs at a
time are 1, 2, 4, 8 and 16. Time is measured from the start of the first process to the end of the last one, over two
rounds. On a CPU, all jobs share its cores.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from record import record

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
ROUNDS = 2


def train_one(jobs: int) -> None:
    """Train one network; called in a separate process."""
    from transferability.jobs.single import train_network
    from transferability.runtime.devices import leased_hardware

    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    generator, size = np.random.default_rng(0), config["dataset"]["image_size"]
    classes = config["pictures"]["classes"] // 2
    images = {
        subset: (
            generator.integers(0, 256, (classes * config["pictures"][subset], size, size, 3), dtype=np.uint8),
            np.arange(classes * config["pictures"][subset]) % classes,
        )
        for subset in ("train", "val")
    }
    with leased_hardware(config["device"], jobs) as device:
        train_network(images["train"], images["val"], device=str(device), **config["training"])


def networks_per_minute(jobs: int) -> float:
    """Run `jobs` processes at a time, for ROUNDS rounds; return the networks per minute."""
    command, began = [sys.executable, __file__, "--one", str(jobs)], time.perf_counter()
    for _ in range(ROUNDS):
        processes = [subprocess.Popen(command) for _ in range(jobs)]
        codes = [process.wait() for process in processes]
        if any(codes):
            sys.exit("a job failed")
    return 60 * ROUNDS * jobs / (time.perf_counter() - began)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        sys.exit(train_one(int(sys.argv[2])))
    numbers = list(map(int, sys.argv[1:])) or [1, 2, 4, 8, 16]
    rows = [(jobs, networks_per_minute(jobs)) for jobs in numbers]
    record("gpu-jobs", pd.DataFrame(rows, columns=["jobs at a time", "networks per minute"]))
