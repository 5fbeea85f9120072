import pytest
from transferability.networks import Network, splits, study_networks

CONFIG = {
    "splits": {"random": 2, "manmade_natural": True},
    "network": {"n": [1, 2, 3, 4, 5, 6, 7]},
    "treatments": ["BnB", "BnB+", "AnB", "AnB+"],
}


@pytest.mark.parametrize(
    ("name", "treatment", "source", "target", "n", "fine_tuned"),
    [
        ("baseA", "base", "A", "A", 0, False),
        ("B3B", "selffer", "B", "B", 3, False),
        ("A7A+", "selffer", "A", "A", 7, True),
        ("A3B", "transfer", "A", "B", 3, False),
        ("B1A+", "transfer", "B", "A", 1, True),
    ],
)
def test_a_name_says_all_about_a_network(name, treatment, source, target, n, fine_tuned):
    network = Network.parse("random-0", name)
    assert (network.treatment, network.source, network.target) == (treatment, source, target)
    assert (network.n, network.fine_tuned) == (n, fine_tuned)
    assert network.name == name


@pytest.mark.parametrize("name", ["base", "baseC", "A0B", "3B", "A3B++", "A3", "../A3B", "A3B\n"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="accepted are names like"):
        Network.parse("random-0", name)


def test_a_balanced_split_has_58_networks():
    networks = study_networks(CONFIG)
    assert len(networks) == len(set(networks)) == 2 * 58
    assert all(Network.parse(network.split, network.name) == network for network in networks)
    for target in "AB":
        chosen = [network for network in networks if network.target == target and network.split == "random-1"]
        assert sum(network.treatment == "base" for network in chosen) == 1
        assert sum(network.treatment == "transfer" and network.fine_tuned for network in chosen) == 7


def test_the_configuration_chooses_the_networks():
    config = CONFIG | {"treatments": ["AnB"], "network": {"n": [2, 5]}}
    names = {network.name for network in study_networks(config)}
    assert names == {"baseA", "baseB", "A2B", "A5B", "B2A", "B5A"}
    assert splits(config) == ["random-0", "random-1", "manmade-natural"]
