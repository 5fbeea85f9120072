"""Arms and blocks: which networks are compared, and what is known about each arm."""

import numpy as np
import pandas as pd
import pytest

from transferability.analysis.arms import FOLDS, REPEATS, SPLITS, Records, Source, source_of, sources
from transferability.analysis.image_errors import INDEPENDENT, SHARED
from transferability.analysis.paired_images import independent_variance, one_more_image, shared_variance
from transferability.common.resources import RESOURCES
from transferability.results.accuracies import COLUMNS
from transferability.results.paper import paper_accuracies
from transferability.study.network import Network

FOUR, EIGHT = ("conv1", "layer1.0", "layer2.0", "fc"), (*(f"block{k}" for k in range(7)), "fc")
RANDOM = np.random.default_rng(0)


def table(accuracies: dict[str, dict[str, float]], **facts) -> pd.DataFrame:
    """Accuracies, in COLUMNS, of networks by split and name."""
    rows = []
    for split, networks in accuracies.items():
        for name, top1 in networks.items():
            network = Network.parse(split, name)
            control = network.treatment == "selffer" and network.n == 4
            row = network.facts() | {"top1": top1, "control": control, "val_images": 80, "train_images": 320}
            rows.append(row | {"classes": 2, "loss": 0.3} | facts)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def given(name: str = "mine", blocks: int = 3, networks=("baseB", "A3B+", "A1~2B", "A3B")) -> dict:
    return {
        f"given-{name}-{k}": {one: round(0.6 + 0.05 * place + 0.01 * k, 3) for place, one in enumerate(networks)}
        for k in range(blocks)
    }


def records(accuracies: pd.DataFrame, layers=FOUR, **known) -> Records:
    return Records(accuracies, "top1", dict.fromkeys(accuracies["split"], layers), **known)


def keys(source: Source) -> list[tuple]:
    return list(source.arms[["given", "treatment", "n", "network"]].itertuples(index=False, name=None))


def test_with_all_layers_copied_both_ends_are_arms_of_the_same_treatment():
    accuracies = table(given())
    [source] = sources(records(accuracies))
    assert keys(source) == [
        ("mine", "An~B", 0, "A3B+"),
        ("mine", "An~B", 1, "A1~2B"),
        ("mine", "An~B", 3, "A3B"),
        ("mine", "scratch", 0, "baseB"),
    ]
    assert source.arms["layer"].tolist() == ["", "conv1", "layer2.0", ""]
    assert source.arms["learning"].tolist() == [4, 3, 1, 4]
    assert source.evidence.accuracy == pytest.approx(np.add.outer([0.65, 0.7, 0.75, 0.6], [0, 0.01, 0.02]))
    assert (source.kind, source.images, source.all_blocks, source.evidence.overlap) == (REPEATS, 80, 3, 0)


def test_without_layers_in_between_both_ends_are_the_papers_treatments():
    [source] = sources(records(table(given(networks=("baseB", "A1B", "A3B", "A3B+", "B4B+")))))
    treatments = [("AnB", 1), ("AnB", 3), ("AnB+", 3), ("longer training", 0), ("scratch", 0)]
    assert list(source.arms[["treatment", "n"]].itertuples(index=False, name=None)) == treatments
    assert source.arms["operations"].tolist() == [0.75, 0.25, 1, 2, 1], "longer training is trained twice"


def test_given_networks_are_compared_in_shared_blocks_each_with_its_own_scratch():
    other = given("other", 2, ("baseB", "A7B+", "A5~2B", "A7B"))
    accuracies = table(given() | other)
    layers = {split: EIGHT if "other" in split else FOUR for split in accuracies["split"]}
    [source] = sources(Records(accuracies, "top1", layers))
    assert source.name == "given" and source.evidence.accuracy.shape == (8, 2) and source.all_blocks == 3
    assert source.arms["given"].tolist() == list(np.repeat(["mine", "other"], 4))
    assert source.arms["layer"].tolist() == ["", "conv1", "layer2.0", "", "", "block4", "block6", ""]


def test_a_block_that_lacks_an_arm_is_left_out():
    accuracies = table(given())
    some = accuracies[~((accuracies["split"] == "given-mine-1") & (accuracies["network"] == "A3B"))]
    [source] = sources(records(some))
    assert source.evidence.accuracy.shape == (4, 2) and source.all_blocks == 3
    assert source.arms["networks"].tolist() == [2, 2, 2, 2]


def test_splits_average_both_directions_and_a_missing_one_favours_neither():
    halves = {"baseA": 0.5, "baseB": 0.7, "A1B": 0.66, "B1A": 0.48, "A1B+": 0.74, "B1A+": 0.56}
    names = {f"random-{k}": halves for k in range(2)}
    [source] = sources(records(table(names), layers=FOUR))
    assert (source.name, source.kind, source.images) == ("random", SPLITS, 160)
    assert source.evidence.mean == pytest.approx([0.57, 0.65, 0.6])
    assert source.arms["network"].tolist() == ["A1B", "A1B+", "baseB"] and set(source.arms["networks"]) == {4}
    del halves["B1A+"]
    [source] = sources(records(table(names), layers=FOUR))
    assert source.evidence.mean == pytest.approx([0.57, 0.64, 0.6]), "0.6 + the gain of 0.04 of the easier half"


def test_folds_share_training_images_and_no_validation_images():
    [source] = sources(records(table(given(blocks=5)), folds=5))
    assert (source.kind, source.images, source.evidence.overlap) == (FOLDS, 400, 0.25)
    assert np.allclose(source.evidence.images, one_more_image(400) * (1 - np.eye(4)))


def outcomes(accuracies: pd.DataFrame, units: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Random answers of all networks to the same images: as a table, and as an array (split, network, image)."""
    splits, names = accuracies["split"].unique(), accuracies["network"].unique()
    right = RANDOM.random((len(splits), len(names), len(units))) < 0.7
    rows = [
        pd.DataFrame({"split": split, "network": name, "right": right[place, which], "unit": units})
        for place, split in enumerate(splits)
        for which, name in enumerate(names)
    ]
    return pd.concat(rows, ignore_index=True), right


def test_arms_are_paired_image_by_image_and_clustered_by_group():
    accuracies = table(given())
    images, groups = np.arange(80), np.repeat(np.arange(20), 4)
    for units in (images, groups):
        answers, right = outcomes(accuracies, units)
        [source] = sources(records(accuracies, outcomes=answers))
        influence = (right - right.mean(axis=2, keepdims=True)).transpose(1, 0, 2) / 80
        sums = np.stack([influence[:, :, units == unit].sum(axis=2) for unit in np.unique(units)], axis=2)
        expected = shared_variance(sums[[1, 2, 3, 0]]) + one_more_image(80) * (1 - np.eye(4))
        assert source.by_image and source.evidence.images == pytest.approx(expected)


def test_where_answers_are_not_known_an_assumed_share_of_independent_errors_is_used():
    [source] = sources(records(table(given())))
    mean = source.evidence.mean
    expected = independent_variance(mean, 80, np.full(4, INDEPENDENT)) + one_more_image(80) * (1 - np.eye(4))
    assert not source.by_image and source.evidence.images == pytest.approx(expected)
    halves = {"baseA": 0.5, "baseB": 0.7, "A1B+": 0.74, "B1A+": 0.56}
    [source] = sources(records(table({"random-0": halves, "random-1": halves})))
    assert source.evidence.images[0, 1] == pytest.approx(SHARED * (0.65 * 0.35 + 0.24) / 160 + one_more_image(160))


def test_costs_balanced_accuracy_and_time_are_those_of_the_tables():
    accuracies = table(given(blocks=2, networks=("baseB", "A1~2B", "A3B+", "A3B", "B4B+")))
    known = accuracies[["split", "network"]].assign(seconds=120.0, memory_mb=500.0)
    operations = {"baseB": 90.0, "A1~2B": 60.0, "A3B+": 100.0, "A3B": 10.0, "B4B+": 90.0}
    known["operations"] = known["network"].map(operations)
    networks = known[["split", "network"]].assign(images=10)
    classes = pd.concat([networks.assign(wnid="a", correct=4), networks.assign(wnid="b", correct=8)])
    [source] = sources(records(accuracies, costs=known.assign(cost=known["operations"] / 100), by_class=classes))
    arms = source.arms.set_index("network")
    assert arms["cost"].to_dict() == pytest.approx({"A3B+": 1, "A1~2B": 0.6, "A3B": 0.1, "B4B+": 1.8, "baseB": 0.9})
    assert arms["minutes"].to_dict() == {"A3B+": 2, "A1~2B": 2, "A3B": 2, "B4B+": 4, "baseB": 2}
    assert set(arms["memory_mb"]) == {500} and arms["balanced_accuracy"].to_numpy() == pytest.approx(0.6)
    assert source.evidence.cost == pytest.approx(arms["operations"].to_numpy())


def test_the_order_of_networks_changes_nothing():
    accuracies = table(given() | given("other"))
    [one] = sources(records(accuracies))
    [two] = sources(records(accuracies.sort_values(["network", "split"], ascending=[False, True])))
    assert one.evidence.accuracy == pytest.approx(two.evidence.accuracy) and keys(one) == keys(two)


def test_the_papers_networks_have_all_arms_on_one_split_only():
    layers = dict.fromkeys(["random-0", "random-1", "random-2", "random-3", "manmade-natural"], EIGHT)
    found = sources(Records(paper_accuracies(RESOURCES / "paper_accuracies.csv"), "top1_best10", layers))
    assert [(one.name, one.evidence.blocks, one.all_blocks, len(one.arms)) for one in found] == [
        ("random", 1, 4, 15),
        ("manmade-natural", 1, 1, 8),
    ]


def test_a_study_without_transfer_has_no_source():
    assert sources(records(table({"random-0": {"baseA": 0.5, "baseB": 0.6, "B1B": 0.6}}))) == []
    assert source_of("given-resnet-18-2") == ("given", "resnet-18") and source_of("manmade-natural")[1] == ""
