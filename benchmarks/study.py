"""Breakdown of the time of a finished study: python benchmarks/study.py [results directory] [cores]

The table lists for each kind of network the number of jobs and their mean seconds for start-up (from the start of the
job's process to the first step, and the end of the process), data, forward, backward with the update, and tests. The
duration of a job is the one recorded by Snakemake. The shares within training are measured here, by training one
network of each kind with a clock for each part. Idle is the rest of cores times wall time: Snakemake itself, packing,
drawing, and waiting cores.
"""

import json
import sys
from pathlib import Path

import pandas as pd
import torch
import yaml

from record import record
from transferability.analysis.relative import CONTROL
from transferability.jobs.assembly import Start, new_trainer
from transferability.jobs.recipe import source_of
from transferability.jobs.weights_files import read_weights
from transferability.planning.costs import now
from transferability.runtime.devices import leased_hardware
from transferability.store.square import Square
from transferability.study.architectures import blueprint, layer_names
from transferability.study.files import Results
from transferability.study.network import Network
from transferability.study.training_settings import read_settings
from transferability.tasks.task import read_task

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"


def job_times(results: Path) -> pd.DataFrame:
    """Return one row per training job: the kind of network, seconds of the job and of its training, and its end."""
    rows = []
    for file in sorted(results.glob("provenance/random-*/*.json")):
        network = Network.parse(file.parent.name, file.stem)
        log = (results / "benchmarks" / "train" / network.split / network.name).with_suffix(".tsv")
        job, training = pd.read_csv(log, sep="\t")["s"].item(), json.loads(file.read_text(encoding="utf-8"))["seconds"]
        kind = CONTROL if network.n == len(layer_names("caffenet-mini")) else network.notation
        rows.append((kind, network.frozen, job, training, log.stat().st_mtime))
    return pd.DataFrame(rows, columns=["network", "frozen", "job", "training", "ended"])


class Clock:
    """Sums up the seconds of each part of a training run."""

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds = dict.fromkeys(["data", "forward", "test"], 0.0)

    def timed(self, part: str, work):
        """Return `work` as a function whose time is added to `part`."""

        def clocked(*arguments):
            began = now(self.device)
            try:
                return work(*arguments)
            finally:
                self.seconds[part] += now(self.device) - began

        return clocked

    def batches(self, batches):
        """Return the same batches; the time for making them is added to data."""

        def clocked(positions):
            made = batches(positions)
            following = self.timed("data", lambda: next(made, None))
            while (batch := following()) is not None:
                yield batch

        return clocked


def parts(results: Path, network: Network, training: dict, device: torch.device) -> dict[str, float]:
    """Train a network again; return the share of its time that each part takes."""
    source = source_of(Results(results), network)
    described = json.loads(source.description.read_text(encoding="utf-8"))
    task = read_task(source.store_files, Square(described["size"]), source.manifest)
    began, clock = now(device), Clock(device)
    if network.copied:
        weights = read_weights(source.weights)
        start = Start.from_base(weights, network.copied, network.frozen)
    else:
        start = Start.from_scratch(task)
    settings = read_settings(training, len(task.train))
    trainer = new_trainer(network.name, blueprint("caffenet-mini"), task, start, settings, 0, device)
    clock.seconds["data"] = now(device) - began  # the mean image, or the features of frozen layers for all images
    trainer._train.batches = clock.batches(trainer._train.batches)
    trainer.test = clock.timed("test", trainer.test)
    head = trainer._head.forward
    clocked = clock.timed("forward", head)
    trainer._head.forward = lambda inputs: (clocked if torch.is_grad_enabled() else head)(inputs)
    trainer.run(lambda _: None, lambda *_: None)
    whole = now(device) - began
    clock.seconds["backward"] = whole - sum(clock.seconds.values())
    return {part: seconds / whole for part, seconds in clock.seconds.items()}


if __name__ == "__main__":
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    cores = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    torch.set_num_threads(1)
    training = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["training"]
    jobs = job_times(results)
    wall = jobs["ended"].max() - (jobs["ended"] - jobs["job"]).min()
    shares = {}
    with leased_hardware("auto", 1) as device:
        for n in range(8):
            network = Network("random-0", "A", "B", n) if n else Network("random-0", "B", "B")
            shares[n] = parts(results, network, training, device)
    for part in ("data", "forward", "backward", "test"):
        jobs[part] = jobs["training"] * jobs["frozen"].map(lambda n, part=part: shares[n][part])
    jobs["start-up"] = jobs["job"] - jobs["training"]
    columns = ["job", "start-up", "data", "forward", "backward", "test"]
    table = jobs.groupby("network")[columns].mean()
    table.insert(0, "jobs", jobs.groupby("network").size())
    total = jobs[columns].sum()
    share = ", ".join(f"{name} {total[name] / (cores * wall):.0%}" for name in columns[1:])
    notes = f"wall time {wall:.0f} s on {cores} cores: {share}, idle {1 - total['job'] / (cores * wall):.0%}"
    record("study", table.reset_index(), notes)
