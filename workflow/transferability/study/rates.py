"""The search for learning rates: one rate for each family of networks, found on training images of one repeat."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

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


def searches(networks: Iterable[Network], last: Callable[[str], int]) -> dict[tuple[str, str], Network]:
    """Return the network with which the rate of each family is searched, by first repeat and family.

    If all layers are copied (An~B), half of them are frozen, or all but the classifier: the choice does not depend on
    the numbers n of the study, and the network need not be one of its own. Otherwise it is the network of the family
    whose n is nearest to half of the layers, as the best rate may depend on n; if a frozen copy of all layers but the
    classifier is there, it is that one.
    `last` returns the number of layers but the classifier on a split.
    """
    members: dict[tuple[str, str], list[Network]] = {}
    for network in networks:
        if searched_split(network.split) == network.split:
            members.setdefault((network.split, family_of(network)), []).append(network)
    return {key: _representative(group, last(key[0])) for key, group in members.items()}


def _representative(group: list[Network], last: int) -> Network:
    copies = [network for network in group if network.source == "A"] or group  # others need a trained base network
    network = copies[0]
    if any(one.preserved for one in copies):
        return replace(network, n=last // 2, fine_tuned=False, preserved=last - last // 2)
    if family_of(network) == FROZEN and any(one.n == last for one in copies):
        return replace(network, n=last)
    return min(copies, key=lambda one: (abs(one.n - last / 2), one.n))
