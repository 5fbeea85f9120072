"""What the networks of a study are called and which there are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HALVES = ("A", "B")

_BASE = re.compile(r"base(?P<target>[AB])")
_COPY = re.compile(r"(?P<source>[AB])(?P<n>[1-9][0-9]*)(?P<target>[AB])(?P<plus>\+?)")


@dataclass(frozen=True)
class Network:
    """One network of the study: its first `n` layers come from base{source}, it is trained and tested on {target}.

    `fine_tuned` says whether the copied layers learn too (the paper's "+"). A base network has n = 0 and
    source == target. `split` names how the classes were divided into the halves A and B.
    """

    split: str
    source: str
    target: str
    n: int = 0
    fine_tuned: bool = False

    @property
    def treatment(self) -> str:
        """base, selffer or transfer."""
        if self.n == 0:
            return "base"
        return "selffer" if self.source == self.target else "transfer"

    @property
    def name(self) -> str:
        """The paper's notation: baseA, B3B, A3B+."""
        if self.n == 0:
            return f"base{self.target}"
        return f"{self.source}{self.n}{self.target}{'+' if self.fine_tuned else ''}"

    @classmethod
    def parse(cls, split: str, name: str) -> "Network":
        """Return the network that `name` denotes; raise ValueError if it denotes none."""
        if match := _BASE.fullmatch(name):
            return cls(split, match["target"], match["target"])
        if match := _COPY.fullmatch(name):
            return cls(split, match["source"], match["target"], int(match["n"]), bool(match["plus"]))
        raise ValueError(f"{name!r} is not a network's name; accepted are names like baseA, B3B, B3B+, A3B and A3B+")


def random_splits(config: Mapping) -> list[str]:
    """Names of the random splits of a study: random-0, random-1, ..."""
    return [f"random-{k}" for k in range(config["splits"]["random"])]


def splits(config: Mapping) -> list[str]:
    """Names of all splits of a study."""
    return random_splits(config) + ["manmade-natural"] * config["splits"]["manmade_natural"]


def study_networks(config: Mapping) -> list[Network]:
    """List the networks of a study: on each random split both bases and, in both directions, every treatment and n."""
    networks = []
    for split in random_splits(config):
        for target, other in (HALVES, HALVES[::-1]):
            networks.append(Network(split, target, target))
            for treatment in config["treatments"]:
                source = target if treatment.startswith("B") else other
                networks += [Network(split, source, target, n, treatment.endswith("+")) for n in config["network"]["n"]]
    return networks
