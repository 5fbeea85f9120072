import hashlib
import json

import pandas as pd
import pytest

from tests.conftest import SHARED
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.datasets.wordnet import hypernym_graph
from transferability.tasks.splits import (
    class_sides,
    manmade_natural_halves,
    mixed_halves,
    random_halves,
    split_manifests,
)

ILSVRC = pd.read_csv(RESOURCES / "ilsvrc2012.csv")

# sha256 of the class lists of the paper's four random splits, one wnid a line, from the authors' published lists.
PUBLISHED = {
    (0, "A"): "ae1aa2e3aaff76ad6ad26cff5efb96942c6a450bb80d12972bcfd147257c471b",
    (0, "B"): "8bd4bcbe403be38eb254493504c7819bdd4f17e1907daabe56ee7b3b631b1433",
    (1, "A"): "9977197c2bc083697ed2ada3ff767f5181d1906b571c2d7900a4e044e6ecc744",
    (1, "B"): "8b3c5d84156e72ba14a02e3b2cdef9e59b1f7b8878871cd472b1fbf31d4902f1",
    (2, "A"): "abc7d4a3f26ad986421ed3a458dc5ec3ff817f639444a411e6af978bfc7e0ef9",
    (2, "B"): "397f74922fb3344c902c77ea240c4c6d1edb6ddce3e1010fec8f6c60bd98175a",
    (3, "A"): "7b208af964659ad65756812548fd69ef8bb10d52f23be25a45db30294ed9e473",
    (3, "B"): "75a229232523bc214bc06c20ca1ff88f6354b0c984b1729934bf541159285ce0",
}


def checksum(wnids):
    return hashlib.sha256("".join(f"{wnid}\n" for wnid in wnids).encode()).hexdigest()


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("half", ["A", "B"])
def test_random_splits_are_the_papers(k, half):
    wnids = random_halves(ILSVRC["wnid"], k)[half]
    assert len(wnids) == 500
    assert checksum(wnids) == PUBLISHED[k, half]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the reference facts is not there")
def test_the_published_checksums_are_the_reference_ones():
    reference = json.loads((SHARED / "reference" / "random_splits.json").read_text())["splits"]
    assert {
        (int(k), half): part["sha256_wnids"] for k, parts in reference.items() for half, part in parts.items()
    } == PUBLISHED


def test_random_halves_depend_on_nothing_but_the_set_of_classes():
    wnids = list(ILSVRC["wnid"][:41])
    halves = random_halves(wnids[::-1], 3)
    assert halves == random_halves(wnids, 3)
    assert len(halves["A"]) == 20
    assert sorted(halves["A"] + halves["B"]) == wnids


def test_manmade_natural_is_the_papers():
    graph = hypernym_graph("snapshot", ILSVRC["wnid"])
    halves = manmade_natural_halves(list(ILSVRC["wnid"]), graph, {})
    assert (len(halves["A"]), len(halves["B"])) == (551, 449)
    assert halves["A"] == ILSVRC["wnid"][ILSVRC["side"] == "manmade"].tolist()


def test_mixed_splits_exchange_a_share_of_man_made_and_natural_and_keep_sizes():
    wnids = list(ILSVRC["wnid"])
    graph = hypernym_graph("snapshot", wnids)
    sides = manmade_natural_halves(wnids, graph, {})
    halves = {split: mixed_halves(split, wnids, graph, {}) for split in ("mixed-10-0", "mixed-10-1", "mixed-50-0")}
    for split, share in (("mixed-10-0", 0.1), ("mixed-10-1", 0.1), ("mixed-50-0", 0.5)):
        mixed = halves[split]
        assert (len(mixed["A"]), len(mixed["B"])) == (551, 449)
        assert sorted(mixed["A"] + mixed["B"]) == wnids
        for half in "AB":
            assert mixed[half] == sorted(mixed[half])
            assert len(set(sides[half]) - set(mixed[half])) == round(share * 449)
    assert halves["mixed-10-0"] != halves["mixed-10-1"]
    assert mixed_halves("mixed-10-0", wnids[::-1], graph, {}) == halves["mixed-10-0"]


def test_an_exchange_of_no_class_is_an_error():
    wnids = ["n02084071", "n02121808", "n03001627", "n04379243"]  # dog, cat, chair, table: two a side
    graph = hypernym_graph("snapshot", wnids)
    sides = {"n02084071": "natural", "n02121808": "natural", "n03001627": "manmade", "n04379243": "manmade"}
    with pytest.raises(InputError, match=r"mixed-10-0: 10% of 2 and 2 classes is none; raise config key splits\.mix"):
        split_manifests("mixed-10-0", wnids, graph, sides)
    assert split_manifests("mixed-50-0", wnids, graph, sides)["A"]["label"].tolist() == [0, 1]


def test_a_class_on_neither_side_is_an_error_that_says_how_to_assign_it():
    wnids = ["n01440764", "n03250847", "my-own-class", "n00017222"]  # tench, drumstick, unknown, plant
    graph = hypernym_graph("snapshot", wnids)
    with pytest.raises(InputError, match=r"my-own-class.*splits: \{sides: \{my-own-class: manmade\}\}"):
        split_manifests("manmade-natural", wnids, graph, {})
    manifests = split_manifests("manmade-natural", wnids, graph, {"my-own-class": "manmade", "n00017222": "natural"})
    assert manifests["A"]["wnid"].tolist() == ["my-own-class", "n03250847"]


def test_the_whole_set_is_one_task():
    wnids = ILSVRC["wnid"][:10].tolist()
    manifests = split_manifests("whole", wnids[::-1], hypernym_graph("snapshot", wnids), {})
    assert list(manifests) == ["all"]
    assert manifests["all"]["wnid"].tolist() == wnids


def test_every_class_has_a_side_and_what_decided_it():
    sides = class_sides(ILSVRC["wnid"], hypernym_graph("snapshot", ILSVRC["wnid"]), {"n01440764": "manmade"})
    assert sides["decided_by"].value_counts().to_dict() == {
        "artifact": 522,
        "organism": 409,
        "by hand": 68,
        "configuration": 1,
    }
    assert (sides["side"] != ILSVRC["side"]).sum() == 1  # the one that the configuration moved
    unknown = class_sides(["my-own-class"], hypernym_graph("snapshot", ["my-own-class"]), {})
    assert unknown[["side", "decided_by"]].to_numpy().tolist() == [["", ""]]


def test_folders_called_by_numbers_can_be_assigned():
    graph = hypernym_graph("snapshot", ["0", "1", "2 b", "3"])
    with pytest.raises(InputError, match=r"sides: \{2 b: manmade\}"):
        manmade_natural_halves(["0", "1", "2 b"], graph, {0: "manmade", 1: "natural"})
    halves = manmade_natural_halves(["0", "1"], graph, {0: "manmade", 1: "natural"})
    assert halves == {"A": ["0"], "B": ["1"]}


def test_the_configuration_overrides_wordnet():
    wnids = ["n01440764", "n01443537", "n03250847", "n02992529"]
    graph = hypernym_graph("snapshot", wnids)
    halves = manmade_natural_halves(wnids, graph, {"n01440764": "manmade"})
    assert "n01440764" in halves["A"]


def test_manifests_number_the_classes_of_each_half():
    wnids = ILSVRC["wnid"][:10].tolist()
    manifests = split_manifests("random-0", wnids, hypernym_graph("snapshot", wnids), {})
    for manifest in manifests.values():
        assert list(manifest.columns) == ["label", "wnid", "name"]
        assert manifest["label"].tolist() == [0, 1, 2, 3, 4]
        assert manifest["wnid"].is_monotonic_increasing
    assert "tench" in {*manifests["A"]["name"], *manifests["B"]["name"]}


def test_a_half_needs_two_classes():
    with pytest.raises(InputError, match="at least 4 classes"):
        split_manifests("random-0", ["a", "b", "c"], hypernym_graph("snapshot", ["a", "b", "c"]), {})
