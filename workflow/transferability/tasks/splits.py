"""Splitting the classes of an image set into the halves A and B."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd

from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.common.seeds import derive_seed
from transferability.datasets.wordnet import ARTIFACT, ORGANISM, ancestors
from transferability.study.network import GIVEN, MIXED, WHOLE, mixed_share, targets

BY_HAND = RESOURCES / "manual_68.csv"
SIDES = {"manmade": "A", "natural": "B"}


def random_halves(wnids: Sequence[str], k: int) -> dict[str, list[str]]:
    """Split classes into random halves, as the authors did: {"A": [...], "B": [...]}, each sorted by wnid.

    The authors' call, found by checksum, seeds numpy's legacy generator with the LIST [k]; with it, split k of the
    1000 ILSVRC-2012 classes is the paper's own. A has half of the classes, rounded down.
    """
    ordered = sorted(wnids)
    chosen = np.random.RandomState([k]).choice(np.arange(len(ordered)), len(ordered) // 2, replace=False)
    in_a = {ordered[index] for index in chosen}
    return {"A": [w for w in ordered if w in in_a], "B": [w for w in ordered if w not in in_a]}


def manmade_natural_halves(wnids: Sequence[str], graph: nx.DiGraph, by_hand: Mapping[str, str]) -> dict[str, list[str]]:
    """Split classes into A = man-made and B = natural, each sorted by wnid.

    The sides come from `class_sides`. Raises an InputError that lists every class without a side.
    """
    table = class_sides(wnids, graph, by_hand)
    undecided = table.loc[table["side"] == "", "wnid"].tolist()
    if undecided:
        named = ", ".join(f"{wnid} ({graph.nodes[wnid]['name']})" for wnid in undecided)
        raise InputError(
            f"manmade-natural: {len(undecided)} of {len(table)} classes lie under neither or both of artifact and "
            f"organism: {named}; "
            f"assign each in the configuration, e.g. splits: {{sides: {{{undecided[0]}: manmade}}}} (or natural), "
            "let config key wordnet name a complete WordNet, if they are not in ILSVRC-2012, "
            "or leave manmade-natural (and mixed) out of config key experiments"
        )
    return {half: table.loc[table["side"] == side, "wnid"].tolist() for side, half in SIDES.items()}


def mixed_halves(
    split: str, wnids: Sequence[str], graph: nx.DiGraph, by_hand: Mapping[str, str]
) -> dict[str, list[str]]:
    """Split classes as `manmade_natural_halves` does, then exchange a share of them: 10 % for the split "mixed-10-0".

    The share of the smaller side is exchanged with as many classes of the other side, so the sizes of the halves do not
    change. The classes are drawn with a seed derived from the split's name. Raises InputError if the share amounts to
    no class.
    """
    halves, share = manmade_natural_halves(wnids, graph, by_hand), mixed_share(split)
    count = round(share * min(map(len, halves.values())))
    if not count:
        sizes = " and ".join(str(len(half)) for half in halves.values())
        raise InputError(f"split {split}: {share:.0%} of {sizes} classes is none; raise config key splits.mixed")
    generator = np.random.default_rng(derive_seed(0, "split", split))
    leaving = {
        half: {str(w) for w in generator.choice(classes, count, replace=False)} for half, classes in halves.items()
    }
    other = dict(zip(halves, reversed(halves), strict=True))
    return {half: sorted(set(halves[half]) - leaving[half] | leaving[other[half]]) for half in halves}


def class_sides(wnids: Sequence[str], graph: nx.DiGraph, by_hand: Mapping[str, str]) -> pd.DataFrame:
    """Return the side of each class and what decided it: columns wnid, name, side, decided_by, sorted by wnid.

    A class is "manmade" if `artifact` is among its hypernyms, "natural" if `organism` is, over all hypernym paths of
    `graph`. `by_hand` (wnid -> side; decided_by "configuration") takes precedence over that. Classes under neither or
    both use the authors' own assignments of ILSVRC-2012 classes (decided_by "by hand"), if there is one; otherwise side
    and decided_by are "".
    """
    authors = pd.read_csv(BY_HAND, index_col="wnid")["side"].to_dict()
    given = {str(wnid): side for wnid, side in by_hand.items()}  # YAML reads the folder name 7 as a number
    rows = []
    for wnid in sorted(wnids):
        above = ancestors(graph, wnid) | {wnid}
        if wnid in given:
            decision = given[wnid], "configuration"
        elif (ARTIFACT in above) != (ORGANISM in above):
            decision = ("manmade", "artifact") if ARTIFACT in above else ("natural", "organism")
        else:
            decision = (authors[wnid], "by hand") if wnid in authors else ("", "")
        rows.append((wnid, graph.nodes[wnid]["name"], *decision))
    return pd.DataFrame(rows, columns=["wnid", "name", "side", "decided_by"])


CLASSES_TEXT = """Man-made (half A) and natural (half B) classes. Decided by artifact or organism: that WordNet node is
above the class; by hand: the authors of the paper assigned it; configuration: this study did. A class without a side
takes part in random splits only."""


def manifest(half: Sequence[str], graph: nx.DiGraph) -> pd.DataFrame:
    """Return a half's manifest: columns label (0, 1, ..., the index of the network's output), wnid, name."""
    return pd.DataFrame({"label": range(len(half)), "wnid": half, "name": [graph.nodes[wnid]["name"] for wnid in half]})


def split_manifests(
    split: str, wnids: Sequence[str], graph: nx.DiGraph, by_hand: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Return the manifests of a split by target: "A" and "B"; "all" for the whole set; "B" for a given network.

    Raises InputError if a half would have fewer than two classes.
    """
    if split == WHOLE or split.startswith(GIVEN):
        halves = dict.fromkeys(targets(split), sorted(wnids))
    elif split == "manmade-natural":
        halves = manmade_natural_halves(wnids, graph, by_hand)
    elif split.startswith(MIXED):
        halves = mixed_halves(split, wnids, graph, by_hand)
    elif len(wnids) < 4:
        raise InputError(
            f"split {split}: random splits need at least 4 classes, two for each half: this set has {len(wnids)} "
            f"({', '.join(wnids)}); add classes, or set config key splits.random to 0 (to study given networks only)"
        )
    else:
        halves = random_halves(wnids, int(split.removeprefix("random-")))
    for half, members in halves.items():
        if len(members) < 2:
            raise InputError(
                f"split {split}: {half} has {len(members)} of {len(wnids)} classes; a task needs two or more"
            )
    return {half: manifest(members, graph) for half, members in halves.items()}
