"""Checks of the training: all splits can be made, the experiments, and the length of training on the smallest task."""

from collections.abc import Mapping

import networkx as nx
import pandas as pd

from transferability.common.errors import InputError, some_of
from transferability.datasets.wordnet import hypernym_graph
from transferability.planning.checks import Finding
from transferability.study.grid import random_splits
from transferability.study.study_plan import StudyPlan
from transferability.tasks.splits import class_sides, split_manifests

FEW_ITERATIONS = 200  # with fewer, networks are so bad that the differences between them mean little

Tasks = Mapping[tuple[str, str], list[str]]  # the wnids of each task (split, target)


def check_classes_and_splits(study: StudyPlan, counts: pd.DataFrame) -> tuple[list[Finding], Tasks, pd.DataFrame]:
    """Look the classes up in WordNet, and make all splits.

    Returns findings, the tasks that could be made, and the classes with names, sides and numbers of images.
    """
    wnids, config = counts.index.tolist(), study.config
    try:
        graph = hypernym_graph(config["wordnet"], wnids)
    except InputError as error:
        return [Finding("WordNet", [str(error)], "")], {}, counts.reset_index().assign(name=wnids)
    table = class_sides(wnids, graph, config["splits"]["sides"])
    classes = table.merge(counts.reset_index(), on="wnid", how="left")
    sides = table["side"].value_counts()
    note = "not needed: no experiment has man-made and natural halves"
    if {"manmade-natural", "mixed"} & set(config["experiments"]):
        note = f"{sides.get('manmade', 0)} man-made, {sides.get('natural', 0)} natural classes"
    splits, tasks = _make_splits(study, wnids, graph)
    return [Finding("WordNet", [], note), splits], tasks, classes


def _make_splits(study: StudyPlan, wnids: list[str], graph: nx.DiGraph) -> tuple[Finding, Tasks]:
    faults, tasks = {}, {}
    if not wnids:
        return Finding("splits", [], "no classes to divide"), {}
    randomly = random_splits(study.config)
    names = list(dict.fromkeys(split for split, _ in study.tasks))
    for split in names:
        kind = "random" if split in randomly else split
        try:
            if kind not in faults:  # all random splits have the same fault
                manifests = split_manifests(split, wnids, graph, study.config["splits"]["sides"])
                tasks |= {(split, half): manifest["wnid"].tolist() for half, manifest in manifests.items()}
        except InputError as error:
            faults[kind] = str(error)
    made = len({split for split, _ in tasks})
    return Finding(
        "splits", list(faults.values()), f"{made} of {len(names)} can be made: {some_of(names, 5) or 'none'}"
    ), tasks


def list_experiments(study: StudyPlan) -> Finding:
    """List the study's experiments, with their numbers of networks."""
    found = {name: len(networks) for name, networks in study.experiments.items() if networks}
    parts = [f"{name} {count:,}" for name, count in found.items()]
    total = len(study.networks)
    shared = ", bases shared" if sum(found.values()) > total else ""
    warnings = [] if found else ["config key experiments: empty, nothing will be trained"]
    return Finding("networks", [], f"{total:,} in all{shared}: {'; '.join(parts) or 'none'}", warnings)


def check_length(study: StudyPlan, tasks: Tasks, counts: pd.DataFrame) -> Finding:
    """Report the length of training on the smallest task, except on reduced sets, which have their own settings."""
    trained = {(network.split, network.target) for network in study.networks if not network.examples}
    sizes = {task: counts.loc[tasks[task]].sum() for task in tasks if task in trained}
    if not sizes:
        return Finding("training", [], "no task to train on")
    (split, target), size = min(sizes.items(), key=lambda item: item[1]["train"])
    settings = study.settings(int(size["train"]))
    seen = settings.iterations * settings.batch_size
    note = (
        f"the smallest task, {split}/{target}, has {len(tasks[split, target])} classes of {size['train']:,} training "
        f"and {size['val']:,} validation images; its networks are trained for {settings.iterations:,} iterations "
        f"(updates) of {settings.batch_size} images, and see each image {seen / max(size['train'], 1):,.1f} times"
    )
    warnings = []
    if settings.iterations < FEW_ITERATIONS:
        warnings.append(
            f"{settings.iterations:,} iterations for the smallest task leave networks that have hardly learned: raise "
            f"training.length, or lower training.batch_size, to {FEW_ITERATIONS} or more"
        )
    return Finding("training", [], note, warnings)
