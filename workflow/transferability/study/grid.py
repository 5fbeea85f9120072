"""Which networks a study has: one pure function of its configuration."""

from collections.abc import Callable, Mapping, Sequence

from transferability.study.model import Model
from transferability.study.network import ALL, ALL_COPIED, GIVEN, HALVES, MIXED, RANDOM, WHOLE, Network, targets

REPEATS = 3  # of a given network, if neither given.repeats nor dataset.folds is given

# What each experiment needs to have networks.
NEEDS = {
    "random-splits": "give splits.random",
    "manmade-natural": "give treatments",
    "mixed": "give splits.mixed",
    "given": "give given.weights",
    "preserved": "give splits.random, preserved.n and preserved.m",
    "random-filters": "give network.n",
    "reduced": "give reduced.examples_per_class",
}


def random_splits(config: Mapping) -> list[str]:
    """Names of the random splits of a study: random-0, random-1, ..."""
    needed = {"random-splits", "preserved"} & set(config["experiments"])
    return [f"random-{k}" for k in range(config["splits"]["random"])] if needed else []


def mixed_splits(config: Mapping) -> list[str]:
    """Names of the splits between man-made/natural and random ones: mixed-10-0, mixed-10-1, ..., mixed-25-0, ..."""
    if "mixed" not in config["experiments"]:
        return []
    percents = dict.fromkeys(round(100 * share) for share in config["splits"]["mixed"])
    return [f"{MIXED}{percent}-{k}" for percent in percents for k in range(config["splits"]["mixed_repeats"])]


def given_splits(config: Mapping) -> list[str]:
    """Names of the splits whose A is a given network, one for each repeat: given-NAME-0, given-NAME-1, ..."""
    if "given" not in config["experiments"]:
        return []
    given = config["given"]
    repeats = given["repeats"] or config["dataset"]["folds"] or REPEATS
    return [f"{GIVEN}{name}-{k}" for name in given["weights"] for k in range(repeats)]


def splits(config: Mapping) -> list[str]:
    """Names of all splits of a study into A and B."""
    names = random_splits(config)
    if "manmade-natural" in config["experiments"]:
        names.append("manmade-natural")
    return names + mixed_splits(config) + given_splits(config)


def experiments(config: Mapping, model: Callable[[str], Model]) -> dict[str, list[Network]]:
    """List the networks of each experiment of a study, with the base networks that it compares with.

    `model` returns the model of a split's networks.

    Keys: random-splits (Figure 2), manmade-natural (Figure 3), mixed (Figure 4), given, preserved, random-filters,
    reduced (Figure S1).
    An experiment that the configuration does not name has no networks.
    """
    randomly, mixed, given = random_splits(config), mixed_splits(config), given_splits(config)
    possible = {
        "random-splits": [network for split in randomly for network in _grid(config, model, split)],
        "manmade-natural": _grid(config, model, "manmade-natural"),
        "mixed": [network for split in mixed for network in _frozen_transfer(split, model(split).n)],
        "given": [network for split in given for network in _grid(config, model, split)],
        "preserved": [network for split in randomly for network in _preserved(config, split)],
        "random-filters": _random_filters(model(WHOLE).n),
        "reduced": _reduced(config),
    }
    return {name: networks if name in config["experiments"] else [] for name, networks in possible.items()}


def control(config: Mapping, model: Model, split: str, target: str) -> Network | None:
    """Return the control for longer training of a task, B8B+: all layers copied from its base and trained again.

    None for a study without fine-tuned networks, which it is the control of.
    """
    if not any(treatment.endswith("+") for treatment in config["treatments"]):
        return None
    return Network(split, target, target, len(model.layers), fine_tuned=True)


def _grid(config: Mapping, model: Callable[[str], Model], split: str) -> list[Network]:
    """On one split, for each task, the base, every treatment and n, and the control for longer training."""
    networks, of_split = [], model(split)
    numbers = of_split.n
    for target in targets(split):
        (other,) = set(HALVES) - {target}
        networks.append(Network(split, target, target))
        for treatment in config["treatments"]:
            source = target if treatment.startswith("B") else other
            if treatment == ALL_COPIED:
                networks += _all_copied(split, source, target, numbers, len(of_split.layers))
            else:
                networks += [Network(split, source, target, n, treatment.endswith("+")) for n in numbers]
        if trained_longer := control(config, of_split, split, target):
            networks.append(trained_longer)
    return list(dict.fromkeys(networks))


def _all_copied(split: str, source: str, target: str, numbers: Sequence[int], layers: int) -> list[Network]:
    """Networks with all layers but the classifier copied, and the first 0, n or all of these frozen."""
    last = layers - 1
    between = [Network(split, source, target, n, preserved=last - n) for n in numbers if n < last]
    return [Network(split, source, target, last, fine_tuned=True), *between, Network(split, source, target, last)]


def _frozen_transfer(split: str, numbers: Sequence[int]) -> list[Network]:
    """On one split both bases and, from each to the other half, networks with every n of frozen layers."""
    transfers = [Network(split, *halves, n) for halves in (HALVES, HALVES[::-1]) for n in numbers]
    return [*(Network(split, half, half) for half in HALVES), *transfers]


def _preserved(config: Mapping, split: str) -> list[Network]:
    """On one split both bases and, from each base to each half, every n and m of the configuration."""
    n_and_m = [(n, m) for n in config["preserved"]["n"] for m in config["preserved"]["m"]]
    copies = [Network(split, x, y, n, preserved=m) for x in HALVES for y in HALVES for n, m in n_and_m]
    if not copies:
        return []
    return [*(Network(split, half, half) for half in HALVES), *copies]


def _random_filters(numbers: Sequence[int]) -> list[Network]:
    """On the whole set the base and, for every n, a network whose first n layers are random."""
    return [Network(WHOLE, ALL, ALL), *(Network(WHOLE, RANDOM, ALL, n) for n in numbers)]


def _reduced(config: Mapping) -> list[Network]:
    """On the whole set the base and a network for every number of examples per class."""
    examples = config["reduced"]["examples_per_class"]
    if not examples:
        return []
    return [Network(WHOLE, ALL, ALL), *(Network(WHOLE, ALL, ALL, examples=k) for k in examples)]
