"""Semantic distance: of classes, of halves, and what transfer loss has to do with it."""

from functools import cache

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from simulated_studies import simulate_distances
from transferability.analysis.claim_parts import CONFIRMED, CONTRADICTED, NOT_TESTED, Study
from transferability.analysis.claims import CLAIMS, decide
from transferability.analysis.claims_tables import claims_table
from transferability.analysis.distance import by_split, distance_table, losses, slope, smallest_step
from transferability.analysis.effects import ALPHA
from transferability.analysis.kernels import read_kernels
from transferability.analysis.relative import relative_accuracies
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.datasets.class_distances import class_distances, distance_between
from transferability.datasets.wordnet import hypernym_graph
from transferability.results.paper import paper_accuracies
from transferability.tasks.split_distances import split_distances

PAPERS = ["random-0", "random-1", "random-2", "random-3", "manmade-natural"]
STUDIES = 300
LAYERS = range(1, 8)


def animals() -> nx.DiGraph:
    """entity - animal - dog - poodle, terrier; animal - cat; entity - thing - chair; poodle is a toy, too."""
    upward = {"animal": "entity", "thing": "entity", "dog": "animal", "cat": "animal", "chair": "thing"}
    upward |= {"poodle": "dog", "terrier": "dog"}
    graph = nx.DiGraph([*upward.items(), ("poodle", "thing")])
    return graph


def test_distances_of_classes_are_wu_and_palmers():
    wnids = ["poodle", "terrier", "cat", "chair"]
    found = class_distances(animals(), wnids)
    near, steps = (pd.DataFrame(found[measure], wnids, wnids) for measure in ("wu_palmer", "shortest_path"))
    assert near.loc["poodle", "terrier"] == pytest.approx(1 - 2 * 3 / (1 + 1 + 2 * 3))  # meet at dog, 3 from the root
    assert near.loc["terrier", "cat"] == pytest.approx(1 - 2 * 2 / (2 + 1 + 2 * 2))  # at animal
    assert near.loc["poodle", "chair"] == pytest.approx(1 - 2 * 2 / (1 + 1 + 2 * 2))  # at thing, not at entity
    assert near.loc["cat", "chair"] == pytest.approx(1 - 2 * 1 / (2 + 2 + 2 * 1))
    assert (np.diag(near) == 0).all() and near.equals(near.T)
    assert steps.loc["poodle"].tolist() == [0, 2, 3, 2]


def test_a_class_without_hypernyms_has_no_distance():
    graph = animals()
    graph.add_node("mine")
    with pytest.raises(InputError, match=r"nothing above 1 of 2 classes: mine; .* results/figure4\.pdf"):
        class_distances(graph, ["mine", "cat"])


def test_distances_agree_with_nltk_where_it_has_wordnet():
    wordnet = pytest.importorskip("nltk.corpus").wordnet
    try:
        wordnet.ensure_loaded()
    except LookupError:
        pytest.skip("NLTK has no WordNet here")
    wnids = sorted(pd.read_csv(RESOURCES / "ilsvrc2012.csv")["wnid"])[::25]
    ours = class_distances(hypernym_graph("snapshot", wnids), wnids)["shortest_path"]
    synsets = [wordnet.synset_from_pos_and_offset("n", int(wnid[1:])) for wnid in wnids]
    theirs = [[one.shortest_path_distance(other) for other in synsets] for one in synsets]
    assert np.array_equal(ours, theirs)


def test_the_distance_of_halves_is_the_mean_over_pairs():
    matrix = np.arange(16.0).reshape(4, 4)
    assert distance_between(matrix, [0, 1], [3]) == (3 + 7) / 2


@cache
def papers_distances() -> pd.DataFrame:
    wnids = sorted(pd.read_csv(RESOURCES / "ilsvrc2012.csv")["wnid"])
    splits = [*PAPERS, "mixed-10-0", "mixed-25-0", "mixed-50-0"]
    return split_distances(splits, wnids, hypernym_graph("snapshot", wnids), {})


def test_mixing_brings_halves_nearer_and_both_measures_say_so():
    table = papers_distances().set_index("split")
    for measure in ("wu_palmer", "shortest_path"):
        far = table.loc[["manmade-natural", "mixed-10-0", "mixed-25-0", "mixed-50-0"], measure]
        assert far.is_monotonic_decreasing
        assert far["mixed-50-0"] == pytest.approx(table.loc["random-0", measure], rel=0.005)
    assert table["wu_palmer"].corr(table["shortest_path"]) > 0.999
    assert table.loc["random-0", "wu_palmer"] == pytest.approx(0.555, abs=0.001)
    assert table.loc["manmade-natural", "wu_palmer"] == pytest.approx(0.663, abs=0.001)


def test_the_papers_loss_grows_with_distance():
    relative = relative_accuracies(paper_accuracies(RESOURCES / "paper_accuracies.csv"), "top1_best10")
    table = losses(relative, papers_distances())
    found = distance_table(table).set_index("n")
    means = by_split(table, [7])["loss"]
    random = means[means.index != "manmade-natural"].mean()
    expected = (means["manmade-natural"] - random) / (0.6627 - 0.5555) * 0.1
    assert found.loc[7, "slope"] == pytest.approx(expected, rel=0.01)
    assert found.loc[7, "low"] > found.loc[3, "high"] > 0
    assert found["splits"].tolist() == [5] * 8


def simulated(growth: float, seed: int, layers=(3, 7), **options) -> pd.DataFrame:
    return simulate_distances(growth, seed, images=400, layers=layers, **options)


def test_two_splits_have_no_slope():
    table = simulated(0.05, 0)
    found = slope(table[table["split"].isin(["random-0", "manmade-natural"])], [7])
    assert np.isnan(found.value) and not found.networks


@cache
def empty_study() -> Study:
    return Study.from_tables(paper_accuracies(RESOURCES / "paper_accuracies.csv")[:0], read_kernels([]), "top1")


def study_of(table: pd.DataFrame) -> Study:
    return Study(**{**vars(empty_study()), "losses": table})


def test_steady_growth_is_asked_only_where_there_are_splits_between():
    table = simulated(0.3, 0, layers=LAYERS, between_splits=0.002)
    assert set(claims_table(study_of(table), study_of(table)).query("claim == 9")["part_verdict"]) == {CONFIRMED}
    ends = study_of(table[~table["split"].str.startswith("mixed-")])
    assert set(claims_table(ends, ends).query("claim == 9")["part_verdict"]) == {NOT_TESTED}


def test_growth_that_falls_on_the_way_is_not_steady():
    table = simulated(0.3, 1, layers=LAYERS, between_splits=0.002)
    table["loss"] -= 0.2 * table["split"].str.startswith("mixed-10")  # below mixed-25, and man-made/natural above
    table["relative"] = -table["loss"]
    claims = claims_table(study_of(table), study_of(table)).query("claim == 9").set_index("part")
    assert claims.loc["grows at 7", "part_verdict"] == CONFIRMED
    assert claims.loc["falls nowhere at 7", "part_verdict"] == CONTRADICTED
    assert set(claims["verdict"]) == {CONTRADICTED}


def test_growth_has_to_be_there_at_every_n():
    table = simulated(0.3, 1, layers=LAYERS, between_splits=0.002)
    flat = simulated(0.0, 1, layers=LAYERS, between_splits=0.002)
    at_4 = table["n"] == 4
    table = pd.concat([table[~at_4], flat[flat["n"] == 4]], ignore_index=True)
    claims = claims_table(study_of(table), study_of(table)).query("claim == 9").set_index("part")
    assert claims.loc["grows at 3", "part_verdict"] == CONFIRMED
    assert claims.loc["grows at 4", "part_verdict"] != CONFIRMED, "the mean over n must not hide a flat n"
    assert set(claims["verdict"]) != {CONFIRMED}


def test_the_smallest_step_is_that_between_neighbouring_kinds_of_splits():
    table = simulated(0.3, 2, between_splits=1e-6, between_networks=1e-6)
    found, means = smallest_step(table, 7), by_split(table, [7])["loss"]
    kinds = means.groupby(means.index.str.replace(r"-\d+$", "", regex=True)).mean()
    steps = [kinds["mixed-25"] - kinds["random"], kinds["mixed-10"] - kinds["mixed-25"]]
    steps.append(kinds["manmade-natural"] - kinds["mixed-10"])
    assert found.value == pytest.approx(min(steps))
    assert (found.degrees, found.smallest_of) == (9 - 4, 3)
    assert np.isnan(smallest_step(table, 4).value), "no network has this n"
    alone = table[table["split"].isin(["random-0", "mixed-25-0", "manmade-natural"])]
    assert np.isnan(smallest_step(alone, 7).interval()).all(), "kinds of one split each have no error between splits"


@pytest.mark.slow
@pytest.mark.parametrize("growth", [0.0, 0.08])
def test_the_slopes_interval_covers_at_its_level(growth):
    hits, confirmed = [], []
    for seed in range(STUDIES):
        table = simulated(growth, seed)
        low, high = slope(table, [3, 7]).interval()
        hits.append(low <= growth <= high)
        if not growth:
            parts = [part for part in CLAIMS[9][1] if part.statement.endswith((" 3", " 7"))]
            study = study_of(table)
            confirmed.append(decide(study, parts, [part.estimate(study) for part in parts]) == CONFIRMED)
    error = 3 * np.sqrt(2 * ALPHA * (1 - 2 * ALPHA) / STUDIES)
    assert abs(np.mean(hits) - (1 - 2 * ALPHA)) < error
    if not growth:
        assert np.mean(confirmed) <= ALPHA
