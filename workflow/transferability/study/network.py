"""One network of a study: what is copied and frozen, and its name in the paper's notation, there and back."""

import re
from dataclasses import dataclass

HALVES = ("A", "B")
MIXED = "mixed-"  # what the splits' names begin with that exchange a share of the man-made and natural classes
GIVEN = "given-"  # what the splits' names begin with whose A is a given network, and whose B is the whole set
WHOLE = "whole"  # the split that does not divide: one task with all classes ...
ALL = "all"  # ... and what that task is called where others say A or B
RANDOM = "random"  # where layers that were never trained come from
ALL_LAYERS = -1  # the n of a control whose network the catalogue does not know: its job counts the layers

_BASE = re.compile(r"base(?P<target>[AB])")
_COPY = re.compile(r"(?P<source>[AB])(?P<n>[1-9][0-9]*|all)(~(?P<preserved>[1-9][0-9]*))?(?P<target>[AB])(?P<plus>\+?)")
_RANDOM = re.compile(r"random(?P<n>[1-9][0-9]*)")
_REDUCED = re.compile(r"reduced-(?P<examples>[0-9]{4,})")


def targets(split: str) -> tuple[str, ...]:
    """Return what networks of a split are trained on: a task for each of its halves; all; B where A is given."""
    if split == WHOLE:
        return (ALL,)
    return HALVES[1:] if split.startswith(GIVEN) else HALVES


def mixed_share(split: str) -> float:
    """Return the share of each side's classes that a split "mixed-10-0" exchanges: 0.1."""
    return int(split.removeprefix(MIXED).partition("-")[0]) / 100


def given_name(split: str) -> str:
    """Return the name of the given network that a split "given-NAME-0" copies from."""
    return split.removeprefix(GIVEN).rpartition("-")[0]


@dataclass(frozen=True)
class Network:
    """One network of the study: its first `n` layers come from base{source}, it is trained and tested on {target}.

    `fine_tuned` says whether these layers learn too (the paper's "+"). The next `preserved` layers are copied as well,
    and learn. A base network has n = 0 and source == target; the control for longer training, B8B+, has as n the number
    of all layers, or ALL_LAYERS where the study does not know it (BallB+). `split` names how the classes were divided
    into the halves A and B; on the split "whole", source and target are "all", but the source of layers that are random
    and never trained is "random". On splits "given-NAME-0" baseA is a given network, and B has all classes. `examples`
    is the number of training images per class, the first ones; 0 stands for all.
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
        """The treatment in the paper's notation, with n for the number and B for the target: BnB, AnB+, An~1B."""
        if self.treatment not in ("selffer", "transfer", "preserved"):
            return self.treatment
        source = "B" if self.source == self.target else "A"
        return f"{source}n{self._suffix}B{'+' if self.fine_tuned else ''}"

    @property
    def name(self) -> str:
        """The paper's notation (baseA, B3B, A3B+), A4~1B where layer 5 is preserved; base, random3, reduced-0100."""
        if self.examples:
            return f"reduced-{self.examples:04d}"
        if self.n == 0:
            return "base" if self.target == ALL else f"base{self.target}"
        if self.source == RANDOM:
            return f"random{self.n}"
        n = "all" if self.n == ALL_LAYERS else self.n
        return f"{self.source}{n}{self._suffix}{self.target}{'+' if self.fine_tuned else ''}"

    @property
    def _suffix(self) -> str:
        return f"~{self.preserved}" if self.preserved else ""

    @property
    def copied(self) -> int:
        """The number of first layers that are copied from base{source}."""
        return 0 if self.source == RANDOM else self.n + self.preserved

    @property
    def frozen(self) -> int:
        """The number of first layers that never learn."""
        return 0 if self.fine_tuned else self.n

    def facts(self) -> dict:
        """What an accuracy file says of the network itself."""
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
        """Return the network that `name` denotes on a split; raise ValueError if it denotes none."""
        if split == WHOLE:
            return cls._parse_whole(name)
        if match := _BASE.fullmatch(name):
            return cls(split, match["target"], match["target"])
        if match := _COPY.fullmatch(name):
            network = cls(
                split,
                match["source"],
                match["target"],
                ALL_LAYERS if match["n"] == "all" else int(match["n"]),
                fine_tuned=bool(match["plus"]),
                preserved=int(match["preserved"] or 0),
            )
            if network._is_possible():
                return network
        raise ValueError(
            f"{name!r} is not a network's name; accepted are names like baseA, B3B, B3B+, A3B, A3B+ and A4~1B"
        )

    def _is_possible(self) -> bool:
        """Preserved layers are those above frozen ones; only the control for longer training copies all layers."""
        if self.n == ALL_LAYERS:
            return self.fine_tuned and self.source == self.target and not self.preserved
        return not (self.preserved and self.fine_tuned)

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
