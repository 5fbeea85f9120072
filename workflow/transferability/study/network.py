"""One network of a study: its copied and frozen layers, and conversion to and from its name in the paper's notation."""

import re
from dataclasses import dataclass

HALVES = ("A", "B")
MIXED = "mixed-"  # prefix of splits that exchange a share of the man-made and natural classes
GIVEN = "given-"  # prefix of splits whose A is a given network, and whose B is the whole set
WHOLE = "whole"  # the split that does not divide the classes: one task with all of them ...
ALL = "all"  # ... and the name of that task, instead of A or B
ALL_COPIED = "An~B"  # the treatment in which all layers but the classifier are copied, and the first n are frozen
RANDOM = "random"  # the source of layers that were never trained

_BASE = re.compile(r"base(?P<target>[AB])")
_COPY = re.compile(r"(?P<source>[AB])(?P<n>[1-9][0-9]*)(~(?P<preserved>[1-9][0-9]*))?(?P<target>[AB])(?P<plus>\+?)")
_RANDOM = re.compile(r"random(?P<n>[1-9][0-9]*)")
_REDUCED = re.compile(r"reduced-(?P<examples>[0-9]{4,})")


def targets(split: str) -> tuple[str, ...]:
    """Return the tasks of a split: A and B; "all" for the whole set; only B if A is a given network."""
    if split == WHOLE:
        return (ALL,)
    return HALVES[1:] if split.startswith(GIVEN) else HALVES


def mixed_share(split: str) -> float:
    """Return the share of each side's classes that a mixed split exchanges: 0.1 for "mixed-10-0"."""
    return int(split.removeprefix(MIXED).partition("-")[0]) / 100


def given_name(split: str) -> str:
    """Return the name of the given network of a split: NAME for "given-NAME-0"."""
    return split.removeprefix(GIVEN).rpartition("-")[0]


def repeat_of(split: str) -> int:
    """Return the number of a repeat: 2 for "given-NAME-2"."""
    return int(split.rpartition("-")[2])


@dataclass(frozen=True)
class Network:
    """One network of the study: its first `n` layers come from base{source}, and it is trained and tested on {target}.

    `fine_tuned` is whether these layers are trained too (the paper's "+"). The next `preserved` layers are also copied,
    and are trained. A base network has n = 0 and source == target. The control for longer training, B8B+, has the
    number of all layers as n. `split` is the name of the division of the classes into halves A and B. On the split
    "whole", source and target are "all"; for networks with random layers that are never trained, the source is
    "random". On splits "given-NAME-0", baseA is a given network, and B has all classes. `examples` is the number of
    training images per class (the first ones); 0 means all.
    """

    split: str
    source: str
    target: str
    n: int = 0
    fine_tuned: bool = False
    preserved: int = 0
    examples: int = 0

    @property
    def treatment(self) -> str:
        """base, selffer, transfer, preserved, random or reduced."""
        if self.examples:
            return "reduced"
        if self.n == 0:
            return "base"
        if self.source == RANDOM:
            return "random"
        if self.preserved:
            return "preserved"
        return "selffer" if self.source == self.target else "transfer"

    @property
    def notation(self) -> str:
        """The treatment in the paper's notation, with n for the number and B for the target: BnB, AnB+, An~1B.

        For other treatments it is the treatment's name: base, random, reduced.
        """
        if self.treatment not in ("selffer", "transfer", "preserved"):
            return self.treatment
        source = "B" if self.source == self.target else "A"
        return f"{source}n{self._suffix}B{'+' if self.fine_tuned else ''}"

    @property
    def name(self) -> str:
        """The name in the paper's notation: baseA, B3B, A3B+; A4~1B if layer 5 is preserved.

        Names on the whole set are base, random3 and reduced-0100.
        """
        if self.examples:
            return f"reduced-{self.examples:04d}"
        if self.n == 0:
            return "base" if self.target == ALL else f"base{self.target}"
        if self.source == RANDOM:
            return f"random{self.n}"
        return f"{self.source}{self.n}{self._suffix}{self.target}{'+' if self.fine_tuned else ''}"

    @property
    def _suffix(self) -> str:
        return f"~{self.preserved}" if self.preserved else ""

    @property
    def copied(self) -> int:
        """The number of first layers that are copied from base{source}."""
        return 0 if self.source == RANDOM else self.n + self.preserved

    @property
    def frozen(self) -> int:
        """The number of first layers that are not trained."""
        return 0 if self.fine_tuned else self.n

    def facts(self) -> dict:
        """The fields of an accuracy file that describe the network itself."""
        return {
            "network": self.name,
            "split": self.split,
            "treatment": self.treatment,
            "source": self.source,
            "target": self.target,
            "n": self.n,
            "fine_tuned": self.fine_tuned,
            "preserved": self.preserved,
            "examples_per_class": self.examples,
        }

    @classmethod
    def parse(cls, split: str, name: str) -> "Network":
        """Return the network called `name` on a split; raise ValueError if the name is not valid."""
        if split == WHOLE:
            return cls._parse_whole(name)
        if match := _BASE.fullmatch(name):
            return cls(split, match["target"], match["target"])
        if match := _COPY.fullmatch(name):
            network = cls(
                split,
                match["source"],
                match["target"],
                int(match["n"]),
                fine_tuned=bool(match["plus"]),
                preserved=int(match["preserved"] or 0),
            )
            if not (network.preserved and network.fine_tuned):
                return network
        raise ValueError(
            f"{name!r} is not a network's name; accepted are names like baseA, B3B, B3B+, A3B, A3B+ and A4~1B"
        )

    @classmethod
    def _parse_whole(cls, name: str) -> "Network":
        if name == "base":
            return cls(WHOLE, ALL, ALL)
        if match := _RANDOM.fullmatch(name):
            return cls(WHOLE, RANDOM, ALL, int(match["n"]))
        if (match := _REDUCED.fullmatch(name)) and int(match["examples"]):
            return cls(WHOLE, ALL, ALL, examples=int(match["examples"]))
        raise ValueError(
            f"{name!r} is not a network's name; accepted on the whole set are names like base, random3, reduced-0100"
        )
