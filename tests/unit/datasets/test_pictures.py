import itertools

import networkx as nx
import numpy as np
import pytest

from transferability.common.errors import InputError
from transferability.datasets.drawing import draw_pictures, inherit_genes
from transferability.datasets.index import index_images
from transferability.datasets.pictures import choose_classes, write_pictures
from transferability.datasets.wordnet import hypernym_graph
from transferability.tasks.splits import manmade_natural_halves


def test_classes_are_ilsvrcs_half_of_each_side():
    wnids = choose_classes(40, seed=0)
    assert wnids == choose_classes(40, seed=0) != choose_classes(40, seed=1)
    halves = manmade_natural_halves(wnids, hypernym_graph("snapshot", wnids), {})
    assert (len(halves["A"]), len(halves["B"])) == (20, 20)
    with pytest.raises(InputError, match=r"pictures\.classes: 1000 given; at most 898"):
        choose_classes(1000, seed=0)


def test_near_classes_have_like_genes():
    wnids = choose_classes(60, seed=0)
    graph = hypernym_graph("snapshot", wnids)
    genes = inherit_genes(graph, seed=0)
    paths = dict(nx.all_pairs_shortest_path_length(graph.to_undirected()))
    pairs = list(itertools.combinations(wnids, 2))
    steps = [paths[a][b] for a, b in pairs]
    differences = [np.linalg.norm(genes[a] - genes[b]) for a, b in pairs]
    assert np.corrcoef(steps, differences)[0, 1] > 0.5


def test_pictures_are_a_function_of_genes_and_generator():
    genes = np.random.default_rng(0).normal(size=24)
    pictures = [draw_pictures(genes, True, 5, 32, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert (pictures[0].shape, pictures[0].dtype) == ((5, 32, 32, 3), np.uint8)
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    assert len({picture.tobytes() for picture in pictures[0]}) == 5


def test_the_set_is_written_in_imagenets_layout_the_same_each_time(tmp_path):
    roots = [tmp_path / name for name in "ab"]
    for root, processes in zip(roots, (1, 2), strict=True):
        write_pictures(root, classes=4, per_class={"train": 3, "val": 2}, size=32, seed=0, processes=processes)
    index = index_images("pictures", roots[0])
    assert index.groupby(["subset", "wnid"]).size().tolist() == [3] * 4 + [2] * 4
    assert all((roots[0] / path).read_bytes() == (roots[1] / path).read_bytes() for path in index["path"])
