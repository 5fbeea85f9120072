"""The networks of a study that are left to train, and the time and disk space that this will take."""

import os
import time
from collections.abc import Mapping

import pandas as pd
import torch

from transferability.common.errors import counted
from transferability.common.pages import Section
from transferability.jobs.rates_file import PARTS
from transferability.monitor.console import in_words
from transferability.monitor.status import STATES, study_status
from transferability.planning.costs import (
    Disk,
    Speed,
    disk_needs,
    estimate_seconds,
    kind_of,
    measure_speeds,
    slowdown,
    workload,
)
from transferability.planning.operations import relative_costs, study_operations, tasks_of
from transferability.runtime.devices import device_name
from transferability.study.rates import family_of
from transferability.study.study_plan import StudyPlan

HOUR, MILLION, GB = 3600, 1e6, 1e9
SEARCH = "search of rates"  # in the column of treatments
UNITS = {"s": "second", "min": "minute", "h": "hour", "days": "day"}


def plan_study(
    study: StudyPlan, index: pd.DataFrame, manifests: Mapping[tuple[str, str], pd.DataFrame], device: torch.device
) -> list[Section]:
    """Return the costs of a study as tables: networks by treatment, running networks, speeds, disk.

    `manifests` maps tasks (split, target) to their manifests. Training is measured on `device`, for a second per number
    of frozen layers. If networks are finished already, the estimate is scaled to the time that they took.
    """
    tasks = tasks_of(study, index, manifests)
    work = workload(study, tasks)
    speeds = measure_speeds(study, {kind_of(study, n) for n in study.networks}, max(map(len, tasks.values())), device)
    seconds = estimate_seconds(study, work, speeds)
    factor, finished, devices = slowdown(work, seconds, study.results)
    status = study_status(study.results.root, time.time())
    table = status.assign(images=work["trained"] + work["tested"], seconds=seconds * factor)
    origin = (
        f"scaled by {factor:.2f} to the time that {finished} finished networks took on {', '.join(devices)}"
        if finished
        else f"a rough measurement on {device_name(device)}, which finished networks will correct"
    )
    needs = disk_needs(study, len(index), {task: len(manifest) for task, manifest in manifests.items()})
    running = table[table["state"] == "running"]
    plan = by_treatment(pd.concat([table, _searches(study, table)], ignore_index=True))
    return [
        Section(
            how_long(plan, study.config["jobs"]["threads"], device),
            f"The networks left to train. Hours are for training one network at a time: {origin}.",
            plan,
        ),
        Section("Running", "Networks that are being trained.", running[["split", "network", "detail"]]),
        Section(
            "Speeds",
            f"Images per second measured on {device_name(device)}, by architecture and number of frozen first layers.",
            _speeds(speeds),
        ),
        Section("Costs", COSTS_TEXT, _costs(study, tasks)),
        Section("Disk", "Disk space. A running training has up to three checkpoints.", _disk(needs)),
    ]


def _searches(study: StudyPlan, table: pd.DataFrame) -> pd.DataFrame:
    """The searches of learning rates, as rows of the table of networks: four fifths of a training for each rate."""
    rows, rates = [], study.config["training"]["learning_rate"]
    families = pd.Series([family_of(network) for network in study.networks], index=table.index)
    for split, family in study.searches:
        own = table[(table["split"] == split) & (families == family)]
        done = study.results.rates(split, family).exists()
        one = {"split": split, "treatment": SEARCH, "state": "done" if done else "waiting", "share": float(done)}
        work = own[["images", "seconds"]].mean() * len(rates) * (1 - 1 / PARTS)
        rows.append(one | work.to_dict())
    return pd.DataFrame(rows, columns=["split", "treatment", "state", "share", "images", "seconds"])


COSTS_TEXT = """Operations (multiply-adds) of the training of each network, relative to training all layers: the mean
over splits. Frozen layers are computed once, or once per view (training.views), if their features fit into memory."""


def _costs(study: StudyPlan, tasks: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """The cost of each kind of network: columns architecture, treatment, n, networks, cost."""
    costs = relative_costs(study.networks, study_operations(study, tasks))
    kinds = [(study.model(one.split).architecture, one.notation, one.n) for one in study.networks]
    table = pd.DataFrame(kinds, columns=["architecture", "treatment", "n"]).assign(cost=costs)
    of_kind = table.groupby(["architecture", "treatment", "n"], sort=False)["cost"]
    return of_kind.agg(networks="size", cost="mean").reset_index()


def by_treatment(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up networks (treatment, state, share done, images, seconds) by treatment, with a last row for all."""
    left = table.assign(images=table["images"] * (1 - table["share"]), seconds=table["seconds"] * (1 - table["share"]))
    rows = []
    for treatment, part in [*left.groupby("treatment", sort=False), ("all", left)]:
        states = part["state"].value_counts()
        counts = {state: int(states.get(state, 0)) for state in STATES}
        sums = {"million images left": part["images"].sum() / MILLION, "hours left": part["seconds"].sum() / HOUR}
        rows.append({"treatment": treatment, "networks": len(part), **counts, **sums})
    return pd.DataFrame(rows)


def how_long(plan: pd.DataFrame, threads: int, device: torch.device) -> str:
    """Return how long the rest of a plan (`by_treatment`) takes on this machine, as text; each job has `threads`.

    On a CPU, as many networks are trained at a time as the cores allow; on a GPU, one.
    """
    seconds = HOUR * plan.set_index("treatment").loc["all", "hours left"]
    if not seconds:
        return "Nothing is left to train"
    if device.type != "cpu":
        return f"About {_spelled_out(seconds)} on one {device_name(device)}"
    cores = len(os.sched_getaffinity(0))
    return f"About {_spelled_out(seconds / max(1, cores // threads))} on {counted(cores, 'core')}"


def _spelled_out(seconds: float) -> str:
    number, unit = in_words(seconds).split()
    return counted(int(number), UNITS[unit])


def _speeds(speeds: Mapping[tuple[str, int], Speed]) -> pd.DataFrame:
    rows = [(*kind, round(speed.training), round(speed.test)) for kind, speed in speeds.items()]
    return pd.DataFrame(rows, columns=["architecture", "frozen layers", "training", "test"])


def _disk(needs: Disk) -> pd.DataFrame:
    rows = [
        ("store", needs.store),
        ("weights of all base networks", needs.weights),
        ("a training's states", needs.state),
    ]
    return pd.DataFrame([(name, size / GB) for name, size in rows], columns=["what", "GB"])
