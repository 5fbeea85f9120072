import shutil
from pathlib import Path

import pandas as pd
import pytest
from transferability.errors import InputError
from transferability.wordnet import ARTIFACT, ORGANISM, RESOURCES, _as_corpus, ancestors, hypernym_graph

DEBIAN = Path("/usr/share/wordnet")
WNIDS = pd.read_csv(RESOURCES / "ilsvrc2012.csv")["wnid"].tolist()


@pytest.fixture(scope="module")
def snapshot():
    return hypernym_graph("snapshot", WNIDS)


def test_the_snapshot_is_the_closure_of_ilsvrc(snapshot):
    assert (snapshot.number_of_nodes(), snapshot.number_of_edges()) == (1860, 1937)
    assert snapshot.nodes["n01440764"]["name"] == "tench"


def test_counts_below_artifact_and_organism_are_the_papers(snapshot):
    above = [ancestors(snapshot, wnid) for wnid in WNIDS]
    assert sum(ARTIFACT in nodes for nodes in above) == 522
    assert sum(ORGANISM in nodes for nodes in above) == 410


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's wordnet-base is not installed")
def test_nltk_and_the_snapshot_give_the_same_graph(snapshot):
    graph = hypernym_graph(str(DEBIAN), WNIDS)
    assert set(graph.edges) == set(snapshot.edges)
    assert dict(graph.nodes(data="name")) == dict(snapshot.nodes(data="name"))


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
