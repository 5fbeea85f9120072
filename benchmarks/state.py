"""The cost of saving checkpoints: python benchmarks/state.py [directory to write to]

Prints for each built-in architecture the size of a checkpoint, the seconds for saving it, how often it is saved with
the default jobs.state_seconds, and the share of the training time that saving takes.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
import yaml

from transferability.models.building import build_model
from transferability.runtime.checkpoints import LARGEST_SHARE, save_checkpoint
from transferability.study.architectures import blueprint, catalogue, house_names

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
REPEATS = 5


def seconds_to_save(architecture: str, directory: str) -> tuple[float, float]:
    """Return the megabytes, and the median seconds for saving, of a base network with 500 classes and its momentum."""
    network = build_model(blueprint(architecture), catalogue()[architecture].sizes[0], 500)
    state = {"network": network.state_dict(), "optimizer": [torch.zeros_like(p) for p in network.parameters()]}
    path, took = Path(directory) / "state.pt", []
    for _ in range(REPEATS):
        began = time.perf_counter()
        save_checkpoint(path, state)
        took.append(time.perf_counter() - began)
    return path.stat().st_size / 1e6, statistics.median(took)


if __name__ == "__main__":
    every = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["jobs"]["state_seconds"]
    rows = []
    for architecture in house_names():
        with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as directory:
            megabytes, seconds = seconds_to_save(architecture, directory)
        interval = max(every, seconds / LARGEST_SHARE)
        rows.append([architecture, megabytes, seconds, interval, 100 * seconds / (interval + seconds)])
    columns = ["architecture", "MB", "seconds a save", "saved every, s", "% of the time"]
    print(pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))
