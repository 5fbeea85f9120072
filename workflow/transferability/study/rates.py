"""The search for learning rates: one rate for each family of networks, found on training images of one repeat."""

from collections.abc import Iterable, Mapping

from transferability.study.network import Network, repeat_of

SCRATCH, FROZEN, FINE_TUNED = "scratch", "frozen", "fine-tuned"
FAMILIES = (SCRATCH, FROZEN, FINE_TUNED)


def is_searched(training: Mapping) -> bool:
    """Return whether a section `training` gives several learning rates to choose from."""
    return isinstance(training["learning_rate"], list)


def family_of(network: Network) -> str:
    """Return the family of a network: from scratch, copied layers all frozen, or copied layers that learn."""
    if not network.copied:
        return SCRATCH
    return FROZEN if network.frozen == network.copied else FINE_TUNED


def searched_split(split: str) -> str:
    """Return the split on which the rates for a split are searched, the first repeat: given-NAME-0 for given-NAME-2."""
    return f"{split.removesuffix(str(repeat_of(split)))}0"


def representatives(networks: Iterable[Network]) -> dict[tuple[str, str], Network]:
    """Return the network with which the rate of each family is searched, by first repeat and family.

    It is the one in the middle by the number of frozen layers, as the best rate may depend on that number.
    """
    members: dict[tuple[str, str], list[Network]] = {}
    for network in networks:
        if searched_split(network.split) == network.split:
            members.setdefault((network.split, family_of(network)), []).append(network)
    ordered = {key: sorted(group, key=lambda network: network.frozen) for key, group in members.items()}
    return {key: group[len(group) // 2] for key, group in ordered.items()}
