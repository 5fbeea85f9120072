"""Distances in WordNet between the halves of splits."""

from collections.abc import Mapping, Sequence

import networkx as nx
import pandas as pd

from transferability.datasets.class_distances import MEASURES, class_distances, distance_between
from transferability.tasks.splits import split_manifests

DISTANCES_TEXT = """The distance between the halves of each split: the mean distance in WordNet of a class of A to a
class of B. wu_palmer: 1 minus the similarity of Wu and Palmer (1994), between 0 and 1; shortest_path: number of steps
from class to class."""


def split_distances(
    splits: Sequence[str], wnids: Sequence[str], graph: nx.DiGraph, by_hand: Mapping[str, str]
) -> pd.DataFrame:
    """Return the distances between the halves of each named split: columns split and those of MEASURES.

    Each distance is the mean over all pairs of a class of A and one of B. Raises the errors of `split_manifests` and
    `class_distances`.
    """
    places = {wnid: place for place, wnid in enumerate(wnids)}
    distances = class_distances(graph, wnids) if splits else {}
    rows = []
    for split in splits:
        halves = split_manifests(split, wnids, graph, by_hand)
        one, other = ([places[wnid] for wnid in halves[half]["wnid"]] for half in ("A", "B"))
        rows.append([split, *(distance_between(distances[measure], one, other) for measure in MEASURES)])
    return pd.DataFrame(rows, columns=["split", *MEASURES])
