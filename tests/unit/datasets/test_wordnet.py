import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import SHARED
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.datasets.wordnet import (
    ARTIFACT,
    ORGANISM,
    SNAPSHOT,
    _as_corpus,
    ancestors,
    hypernym_graph,
    largest_nodes,
)
from transferability.tasks.splits import manmade_natural_halves

DEBIAN = Path("/usr/share/wordnet")
WNIDS = pd.read_csv(RESOURCES / "ilsvrc2012.csv")["wnid"].tolist()
CIFAR = pd.read_csv(RESOURCES / "cifar100.csv")


@pytest.fixture(scope="module")
def snapshot():
    return hypernym_graph("snapshot", WNIDS)


def test_the_snapshot_is_the_closure_of_ilsvrc(snapshot):
    assert (snapshot.number_of_nodes(), snapshot.number_of_edges()) == (1860, 1937)
    assert snapshot.nodes["n01440764"]["name"] == "tench"


def test_the_largest_nodes_are_the_supplements(snapshot):
    nodes = largest_nodes(snapshot, WNIDS, 20)
    # The counts that the paper's supplement prints.
    printed = [1000, 997, 958, 949, 522, 410, 410, 398, 358, 337, 337, 218, 212, 158, 130, 130, 123, 118, 100, 90]
    assert nodes["classes"].tolist() == printed
    assert nodes["name"].tolist()[:6] == ["entity", "physical entity", "object", "whole", "artifact", "living thing"]


def test_classes_that_are_no_synsets_are_no_nodes():
    folders = ["ants", "bees", "n01440764"]
    nodes = largest_nodes(hypernym_graph("snapshot", folders), folders, 1000)
    assert not set(nodes["wnid"]) & {"ants", "bees"} and nodes["classes"].max() == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the reference facts is not there")
def test_all_counts_of_nodes_are_the_reference_ones(snapshot):
    reference = pd.read_csv(SHARED / "reference" / "wordnet_ancestor_counts.csv")
    counts = largest_nodes(snapshot, WNIDS, len(snapshot)).set_index("wnid")["classes"]
    inner = reference[reference["is_class"] == 0]
    assert counts[inner["wnid"]].tolist() == inner["n_classes"].tolist()


def test_counts_below_artifact_and_organism_are_the_papers(snapshot):
    above = [ancestors(snapshot, wnid) for wnid in WNIDS]
    assert sum(ARTIFACT in nodes for nodes in above) == 522
    assert sum(ORGANISM in nodes for nodes in above) == 410


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
@pytest.mark.parametrize("wnids", [WNIDS, CIFAR["wnid"].tolist()], ids=["ILSVRC-2012", "CIFAR-100"])
def test_nltk_and_the_snapshot_give_the_same_graph(wnids):
    graph, snapshot = hypernym_graph(str(DEBIAN), wnids), hypernym_graph("snapshot", wnids)
    assert set(graph.edges) == set(snapshot.edges)
    assert dict(graph.nodes(data="name")) == dict(snapshot.nodes(data="name"))


def test_cifars_classes_are_synsets_of_their_names_and_have_sides():
    names = pd.concat([pd.read_csv(file, sep="\t", dtype=str) for file in SNAPSHOT]).drop_duplicates("wnid")
    lemmas = names.set_index("wnid")["names"].str.split(", ")
    # "keyboard" is a computer's there, "aquarium fish" are goldfish, and trees may go without the word.
    other = {"aquarium_fish": "goldfish", "keyboard": "computer keyboard"}
    for row in CIFAR.itertuples():
        name = other.get(row.name, row.name.replace("_", " "))
        assert {name, name.removesuffix(" tree")} & set(lemmas[row.wnid]), row.name
    assert CIFAR["name"].tolist() == sorted(CIFAR["name"])
    assert (CIFAR["wnid"].nunique(), len(CIFAR)) == (100, 100)
    given = yaml.safe_load((RESOURCES.parent / "config" / "cifar-100.yaml").read_text())["splits"]["sides"]
    halves = manmade_natural_halves(CIFAR["wnid"], hypernym_graph("snapshot", CIFAR["wnid"]), given)
    assert {half: len(wnids) for half, wnids in halves.items()} == {"A": 30, "B": 70}


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
def test_nltk_knows_classes_beyond_the_snapshot_and_leaves_others_without_hypernyms():
    graph = hypernym_graph(str(DEBIAN), ["n02472293", "n99999999", "not-a-wnid"])  # homo
    assert ORGANISM in ancestors(graph, "n02472293")
    assert graph.nodes["n99999999"]["name"] == "n99999999"
    assert ancestors(graph, "not-a-wnid") == set()


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
@pytest.mark.parametrize("zipped", [False, True])
def test_nltk_finds_its_own_corpus_unpacked_or_zipped(snapshot, zipped, tmp_path, monkeypatch):
    _as_corpus(DEBIAN, tmp_path / "corpora" / "wordnet")
    if zipped:
        shutil.make_archive(tmp_path / "corpora" / "wordnet", "zip", tmp_path / "corpora", "wordnet")
        shutil.rmtree(tmp_path / "corpora" / "wordnet")
    monkeypatch.setattr("nltk.data.path", [str(tmp_path)])
    assert set(hypernym_graph("nltk", WNIDS[:50]).edges) == set(hypernym_graph("snapshot", WNIDS[:50]).edges)


def test_a_directory_without_wordnet_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"no data\.noun"):
        hypernym_graph(str(tmp_path), WNIDS[:1])


def test_missing_nltk_data_is_an_error(monkeypatch):
    monkeypatch.setattr("nltk.data.path", [])
    with pytest.raises(InputError, match="config key wordnet"):
        hypernym_graph("nltk", WNIDS[:1])
