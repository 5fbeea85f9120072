import pytest

from transferability.study.architectures import AS_KNOWN
from transferability.study.grid import splits
from transferability.study.network import Network, given_name, mixed_share
from transferability.study.study_plan import StudyPlan

CONFIG = {
    "experiments": ["random-splits", "manmade-natural", "preserved", "random-filters", "reduced"],
    "dataset": {"folds": None},
    "training": {"input_size": 227},
    "splits": {"random": 2, "mixed": [], "mixed_repeats": 1},
    "given": {"weights": {}, "repeats": 3},
    "network": {"architecture": "caffenet", "n": [1, 2, 3, 4, 5, 6, 7], "pixels": AS_KNOWN},
    "treatments": ["BnB", "BnB+", "AnB", "AnB+"],
    "preserved": {"n": [4, 5], "m": [1, 2]},
    "reduced": {"examples_per_class": [50, 5]},
}
ONLY_RANDOM_SPLITS = {"experiments": ["random-splits"]}


@pytest.mark.parametrize(
    ("name", "treatment", "source", "target", "n", "fine_tuned"),
    [
        ("baseA", "base", "A", "A", 0, False),
        ("B3B", "selffer", "B", "B", 3, False),
        ("A7A+", "selffer", "A", "A", 7, True),
        ("B8B+", "selffer", "B", "B", 8, True),
        ("A3B", "transfer", "A", "B", 3, False),
        ("B1A+", "transfer", "B", "A", 1, True),
        ("A59B", "transfer", "A", "B", 59, False),
    ],
)
def test_a_name_says_all_about_a_network(name, treatment, source, target, n, fine_tuned):
    network = Network.parse("random-0", name)
    assert (network.treatment, network.source, network.target) == (treatment, source, target)
    assert (network.n, network.fine_tuned) == (n, fine_tuned)
    assert network.name == name


@pytest.mark.parametrize(
    ("split", "name", "treatment", "kind", "copied", "frozen", "examples"),
    [
        ("random-0", "baseA", "base", "base", 0, 0, 0),
        ("random-0", "B3B", "selffer", "BnB", 3, 3, 0),
        ("random-0", "A3B+", "transfer", "AnB+", 3, 0, 0),
        ("random-0", "A4~2B", "preserved", "An~2B", 6, 4, 0),
        ("random-0", "B5~1B", "preserved", "Bn~1B", 6, 5, 0),
        ("random-0", "A12~10B", "preserved", "An~10B", 22, 12, 0),
        ("whole", "base", "base", "base", 0, 0, 0),
        ("whole", "random3", "random", "random", 0, 3, 0),
        ("whole", "random10", "random", "random", 0, 10, 0),
        ("whole", "reduced-0100", "reduced", "reduced", 0, 0, 100),
    ],
)
def test_a_network_knows_what_it_copies_and_freezes(split, name, treatment, kind, copied, frozen, examples):
    network = Network.parse(split, name)
    assert (network.name, network.treatment, network.notation) == (name, treatment, kind)
    assert (network.copied, network.frozen, network.examples) == (copied, frozen, examples)


WRONG = ["base", "baseC", "A0B", "A4~0B", "3B", "A3B++", "A3", "../A3B", "A3B\n", "A4~1B+", "random3"]


@pytest.mark.parametrize("name", WRONG)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="accepted are names like"):
        Network.parse("random-0", name)


@pytest.mark.parametrize("name", ["baseA", "A3B", "random0", "reduced-0000", "reduced-12"])
def test_other_names_are_refused_on_the_whole_set(name):
    with pytest.raises(ValueError, match="accepted on the whole set are names like base, random3, reduced-0100"):
        Network.parse("whole", name)


def test_the_experiments_of_a_study():
    parts = StudyPlan(CONFIG).experiments
    assert {name: len(networks) for name, networks in parts.items()} == {
        "random-splits": 2 * 60,
        "manmade-natural": 60,
        "mixed": 0,
        "given": 0,
        "preserved": 2 * (2 + 4 * 4),
        "random-filters": 1 + 7,
        "reduced": 1 + 2,
    }
    networks = StudyPlan(CONFIG).networks
    assert len(networks) == len(set(networks)) == 120 + 60 + 32 + 8 + 2
    assert all(Network.parse(network.split, network.name) == network for network in networks)


def test_a_given_network_is_a_of_splits_of_its_own_and_b_has_all_classes():
    given = {"weights": {"resnet-18": "r.pth", "own": "o.pth"}, "repeats": 2}
    config = CONFIG | {"experiments": ["given"]}
    config |= {"given": given}
    assert splits(config) == ["given-resnet-18-0", "given-resnet-18-1", "given-own-0", "given-own-1"]
    assert [given_name(split) for split in splits(config)] == ["resnet-18", "resnet-18", "own", "own"]
    parts = StudyPlan(config | {"network": CONFIG["network"] | {"n": [5]}}).experiments
    assert [name for name, networks in parts.items() if networks] == ["given"]
    names = [network.name for network in parts["given"] if network.split == "given-own-1"]
    assert names == ["baseB", "B5B", "B5B+", "A5B", "A5B+", "B8B+"]
    assert len(StudyPlan(config).networks) == 4 * (1 + 4 * 7 + 1)


def test_all_layers_copied_come_with_both_ends():
    """Everything fine-tuned, the first n frozen, only the classifier trained; each once beside AnB and AnB+."""
    config = CONFIG | {"experiments": ["given"], "given": {"weights": {"mine": "m.pth"}, "repeats": 1}}
    config |= {"treatments": ["An~B"], "network": CONFIG["network"] | {"n": [2, 5, 7]}}
    networks = StudyPlan(config).networks
    assert [network.name for network in networks] == ["baseB", "A7B+", "A2~5B", "A5~2B", "A7B"]
    assert [(network.copied, network.frozen) for network in networks[1:]] == [(7, 0), (7, 2), (7, 5), (7, 7)]
    assert not StudyPlan(config).controls
    names = [network.name for network in StudyPlan(config | {"treatments": ["AnB", "An~B", "AnB+"]}).networks]
    assert len(names) == len(set(names)) == 1 + 3 + 3 + 2 + 1  # base, AnB, AnB+, between, control
    config |= {"experiments": ["random-splits"]}
    assert {"A2~5B", "B2~5A", "A7B+", "B7A+"} <= {network.name for network in StudyPlan(config).networks}


def test_what_a_configuration_leaves_out_has_no_networks():
    parts = StudyPlan(CONFIG | ONLY_RANDOM_SPLITS).experiments
    assert [name for name, networks in parts.items() if networks] == ["random-splits"]


def test_a_balanced_split_has_58_networks_and_two_controls():
    networks = StudyPlan(CONFIG | ONLY_RANDOM_SPLITS).networks
    assert len(networks) == len(set(networks)) == 2 * (58 + 2)
    assert all(Network.parse(network.split, network.name) == network for network in networks)
    for target in "AB":
        chosen = [network for network in networks if network.target == target and network.split == "random-1"]
        assert sum(network.treatment == "base" for network in chosen) == 1
        assert sum(network.treatment == "transfer" and network.fine_tuned for network in chosen) == 7
        assert [network.name for network in chosen if network.n == 8] == [f"{target}8{target}+"]


def test_the_configuration_chooses_the_networks():
    config = CONFIG | ONLY_RANDOM_SPLITS | {"treatments": ["AnB"]}
    config |= {"network": CONFIG["network"] | {"n": [2, 5]}}
    names = {network.name for network in StudyPlan(config).networks}
    assert names == {"baseA", "baseB", "A2B", "A5B", "B2A", "B5A"}
    assert splits(config) == ["random-0", "random-1"]
    assert splits(CONFIG) == ["random-0", "random-1", "manmade-natural"]


def test_the_control_is_what_the_grid_says_and_not_the_largest_n():
    config = CONFIG | ONLY_RANDOM_SPLITS | {"network": CONFIG["network"] | {"n": [2, 7]}}
    assert StudyPlan(config).controls == {(f"random-{k}", name) for k in (0, 1) for name in ("A8A+", "B8B+")}
    assert not StudyPlan(config | {"treatments": ["BnB", "AnB"]}).controls


def test_mixed_splits_have_what_figure_4_draws():
    config = CONFIG | {"experiments": ["mixed"], "splits": {"mixed": [0.1, 0.25], "mixed_repeats": 2}}
    assert splits(config) == ["mixed-10-0", "mixed-10-1", "mixed-25-0", "mixed-25-1"]
    networks = StudyPlan(config).experiments["mixed"]
    assert len(networks) == len(set(networks)) == 4 * (2 + 2 * 7)
    assert {network.notation for network in networks} == {"base", "AnB"}
    assert [mixed_share(split) for split in splits(config)] == [0.1, 0.1, 0.25, 0.25]
