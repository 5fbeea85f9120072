"""The hypernym graph of WordNet: it gives the names of classes, and shows which are man-made and which natural."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

import networkx as nx
import pandas as pd

from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES

SNAPSHOT = [RESOURCES / "wordnet30_ilsvrc2012.tsv", RESOURCES / "wordnet30_cifar100.tsv"]

NODES_TEXT = """The WordNet nodes with most classes at or below them, over all hypernym paths. A class that WordNet does
not contain is below no node."""

ARTIFACT = "n00021939"
ORGANISM = "n00004475"


def hypernym_graph(source: str, wnids: Iterable[str]) -> nx.DiGraph:
    """Return the hypernym closure of `wnids`: an edge leads from a synset to each of its hypernyms.

    `source` is "snapshot" (WordNet 3.0 above the classes of ILSVRC-2012 and CIFAR-100, in resources/), "nltk" (the
    corpus on NLTK's data path) or a directory that holds WordNet's data files. Nodes are wnids
    with an attribute `name`, the synset's first lemma. A wnid that the source does not contain becomes a node
    without hypernyms, whose name is the wnid. Raises InputError if the source cannot be read.
    """
    if source == "snapshot":
        whole = nx.compose_all(map(_read_snapshot, SNAPSHOT))
        known = [wnid for wnid in wnids if wnid in whole]
        closure = set(known).union(*(nx.descendants(whole, wnid) for wnid in known))
        graph = whole.subgraph(closure).copy()
    else:
        with _open_nltk(source) as reader:
            graph = _read_nltk(reader, wnids)
    graph.add_nodes_from((wnid, {"name": wnid}) for wnid in wnids if wnid not in graph)
    return graph


def ancestors(graph: nx.DiGraph, wnid: str) -> set[str]:
    """Return all synsets above `wnid`, along all paths (the paper's counts need all of them)."""
    return nx.descendants(graph, wnid)


def largest_nodes(graph: nx.DiGraph, wnids: Iterable[str], count: int) -> pd.DataFrame:
    """Return the `count` synsets above most classes, ties in order of wnid: columns wnid, name, classes.

    A class counts once for each synset at or above it, however many paths lead there. A class that is not a synset does
    not count.
    """
    known = [wnid for wnid in wnids if graph.out_degree(wnid)]
    above = Counter(node for wnid in known for node in ancestors(graph, wnid) | {wnid})
    ranked = sorted(above.items(), key=lambda node: (-node[1], node[0]))[:count]
    rows = [(wnid, graph.nodes[wnid]["name"], classes) for wnid, classes in ranked]
    return pd.DataFrame(rows, columns=["wnid", "name", "classes"])


def _read_snapshot(path: Path) -> nx.DiGraph:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    graph = nx.DiGraph()
    graph.add_nodes_from((row.wnid, {"name": row.names.split(", ")[0]}) for row in table.itertuples(index=False))
    graph.add_edges_from((row.wnid, above) for row in table.itertuples() for above in row.hypernyms.split())
    return graph


def _read_nltk(reader, wnids: Iterable[str]) -> nx.DiGraph:
    graph = nx.DiGraph()
    pending = [synset for synset in (_synset(reader, wnid) for wnid in wnids) if synset is not None]
    while pending:
        synset = pending.pop()
        wnid = f"n{synset.offset():08d}"
        if wnid in graph and "name" in graph.nodes[wnid]:
            continue
        graph.add_node(wnid, name=synset.lemma_names()[0].replace("_", " "))
        for above in synset.hypernyms():
            graph.add_edge(wnid, f"n{above.offset():08d}")
            pending.append(above)
    return graph


def _synset(reader, wnid: str):
    try:
        return reader.synset_from_pos_and_offset("n", int(wnid[1:]))
    except Exception:  # NLTK raises ValueError, WordNetError or AssertionError for numbers that are no synset's offset
        return None


@contextmanager
def _open_nltk(source: str):
    """Yield NLTK's reader for the corpus on its data path ("nltk") or for a directory of WordNet's own files."""
    from nltk.corpus.reader.wordnet import WordNetCorpusReader
    from nltk.data import FileSystemPathPointer
    from nltk.data import path as search_path

    if source == "nltk":
        yield WordNetCorpusReader(_find_corpus(), omw_reader=None)
        return
    with tempfile.TemporaryDirectory() as scratch:
        corpus = _as_corpus(Path(source), Path(scratch) / "corpora" / "wordnet")
        search_path.append(scratch)  # NLTK opens no file outside its data path
        try:
            yield WordNetCorpusReader(FileSystemPathPointer(str(corpus)), omw_reader=None)
        finally:
            search_path.remove(scratch)


def _find_corpus():
    """Return the path of NLTK's corpus, unpacked or as the archive that nltk.download leaves."""
    from nltk.data import find

    for place in ("corpora/wordnet", "corpora/wordnet.zip/wordnet/"):
        with suppress(LookupError):
            return find(place)
    raise InputError(
        "config key wordnet: 'nltk' given, but NLTK finds no corpora/wordnet on its data path; "
        "give 'snapshot', or a directory with WordNet's data.noun (Debian's wordnet-base: /usr/share/wordnet)"
    )


def _as_corpus(directory: Path, corpus: Path) -> Path:
    """Copy WordNet's files to `corpus` and add the two that NLTK expects and Debian's wordnet-base lacks."""
    if not (directory / "data.noun").is_file():
        raise InputError(
            f"config key wordnet: {directory} given, which has no data.noun; "
            "give 'snapshot', 'nltk' or a directory of WordNet 3.0 files"
        )
    corpus.mkdir(parents=True)
    for file in directory.iterdir():
        if file.is_file():
            shutil.copyfile(file, corpus / file.name)
    if not (corpus / "lexnames").exists():
        # One line for each of WordNet's 45 lexicographer files; their names are not used here.
        (corpus / "lexnames").write_text(
            "".join(f"{k:02d}\tlexicographer{k}\t0\n" for k in range(45)), encoding="utf-8"
        )
    (corpus / "index.sense").touch()
    return corpus
