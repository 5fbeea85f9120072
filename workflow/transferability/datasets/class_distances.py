"""Distances between classes in WordNet."""

from collections.abc import Sequence

import networkx as nx
import numpy as np

from transferability.common.errors import InputError

MEASURES = ("wu_palmer", "shortest_path")


def class_distances(graph: nx.DiGraph, wnids: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the distances of all pairs of classes by each of MEASURES: float64 (classes, classes), ordered as `wnids`.

    `wu_palmer` is 1 - 2 d(c) / (path(a, c) + path(b, c) + 2 d(c)), where c is the common hypernym of a and b (or one of
    the two) that gives the smallest value. path counts the steps up from a class to c, d(c) the synsets from c up to
    the root, both included; all paths are shortest paths (Wu & Palmer 1994). The distance is 0 from a class to itself,
    and near 1 for classes that meet only near the root. `shortest_path` is the number of steps on the shortest path
    from a up to a common hypernym and down to b.

    `graph` is the result of `hypernym_graph`. Raises an InputError that names the classes without hypernyms.
    """
    alone = [wnid for wnid in wnids if not graph.out_degree(wnid)]
    if alone:
        raise InputError(
            f"WordNet has nothing above {len(alone)} of {len(wnids)} classes: {', '.join(alone[:5])}"
            f"{', ...' if len(alone) > 5 else ''}; distances between classes need wnids (n01440764): name classes by "
            "their wnids, or do not ask for results/figure4.pdf and distance.csv"
        )
    nodes = {node: place for place, node in enumerate(graph)}
    depth = np.full(len(nodes), np.inf)
    for root in (node for node in graph if not graph.out_degree(node)):
        for node, steps in nx.single_source_shortest_path_length(graph.reverse(copy=False), root).items():
            depth[nodes[node]] = min(depth[nodes[node]], steps + 1)
    up = np.full((len(wnids), len(nodes)), np.inf)  # steps from a class up to a synset
    for row, wnid in enumerate(wnids):
        for node, steps in nx.single_source_shortest_path_length(graph, wnid).items():
            up[row, nodes[node]] = steps
    distances = {measure: np.empty((len(wnids), len(wnids))) for measure in MEASURES}
    for row, steps in enumerate(up):
        above = np.isfinite(steps)
        paths = up[:, above] + steps[above]
        distances["wu_palmer"][row] = 1 - (2 * depth[above] / (paths + 2 * depth[above])).max(axis=1)
        distances["shortest_path"][row] = paths.min(axis=1)
    return distances


def distance_between(distances: np.ndarray, one: Sequence[int], other: Sequence[int]) -> float:
    """Return the mean distance of a class of one group to a class of the other; groups are indices into the matrix."""
    return float(distances[np.ix_(one, other)].mean())
