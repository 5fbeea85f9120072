"""The paper's eight conclusions, each decided by stated rules: confirmed, contradicted or not decided.

A claim has parts, each with one quantity, its interval, and a rule. That something is equal is asked at each n on its
own, that something is larger of the mean over the n that the claim names. A part is confirmed if the whole interval
lies where the claim says, contradicted if it lies wholly elsewhere, and otherwise not decided. Each error is ALPHA at
most. A claim is confirmed if all of its parts are (an intersection-union test, which keeps the level). It is
contradicted if one part is at level ALPHA divided by the number of parts (Bonferroni).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from transferability.analysis.effects import ALPHA, Contrast, Estimate, estimate, relative_accuracies
from transferability.analysis.kernels import RANDOM_SHARE

MARGIN = 0.01  # accuracies closer than one point count as equal
NEAR_CHANCE = 0.1  # so much of the base network's accuracy above chance, or less, is near chance

CONFIRMED, CONTRADICTED, NOT_DECIDED = "confirmed", "contradicted", "not decided"
LAYERS = tuple(range(1, 8))


RULES = """A claim is confirmed if all of its parts are, contradicted if one is. A part is confirmed if its whole 90 %
interval (low to high) keeps the rule, contradicted if all of it breaks the rule, else not decided: the error of each
verdict is at most 5 % (for a claim of several parts to be contradicted, 5 % divided by their number). Values are shares
of 1; one point is .01, and what differs by less counts as equal. Where a part names several n, their mean decides. The
paper's values come from its own accuracies by the same rules."""


@dataclass(frozen=True)
class Study:
    """What claims are decided from: base networks, relative accuracies per experiment, the whole set, the kernels."""

    base: pd.DataFrame
    random_splits: pd.DataFrame
    manmade_natural: pd.DataFrame
    random_filters: pd.DataFrame
    whole: pd.DataFrame
    kernels: pd.DataFrame
    measure: str

    @classmethod
    def from_tables(cls, accuracies: pd.DataFrame, kernels: pd.DataFrame, measure: str) -> "Study":
        """Sort out a table of accuracies (`results.COLUMNS`) and one of kernels (`kernels.describe_kernels`)."""
        randomly = accuracies["split"].str.startswith("random-")
        relative = relative_accuracies(accuracies, measure)
        return cls(
            base=accuracies[randomly & (accuracies["treatment"] == "base")],
            random_splits=relative[relative["split"].str.startswith("random-")],
            manmade_natural=relative[relative["split"] == "manmade-natural"],
            random_filters=relative[relative["treatment"] == "random"],
            whole=accuracies[(accuracies["split"] == "whole") & (accuracies["treatment"] == "base")],
            kernels=kernels[kernels["split"].str.startswith("random-")],
            measure=measure,
        )


@dataclass(frozen=True)
class Rule:
    """Where a quantity has to lie, between `low` and `high`, for a claim to hold."""

    low: float = -np.inf
    high: float = np.inf

    def verdict(self, found: Estimate, alpha: float = ALPHA) -> str:
        """Decide by the interval at level 1 - 2 alpha."""
        low, high = found.interval(alpha)
        if low > self.low and high < self.high:
            return CONFIRMED
        return CONTRADICTED if high < self.low or low > self.high else NOT_DECIDED

    def __str__(self) -> str:
        if np.isinf(self.high):
            return f"> {self.low:g}"
        return f"< {self.high:g}" if np.isinf(self.low) else f"{self.low:g} to {self.high:g}"


POSITIVE = Rule(low=0)
EQUAL = Rule(-MARGIN, MARGIN)


@dataclass(frozen=True)
class Part:
    """One quantity that a claim rests on."""

    statement: str
    quantity: str
    rule: Rule
    estimate: Callable[[Study], Estimate]


def on_random_splits(statement: str, quantity: str, rule: Rule, contrast: Contrast) -> Part:
    """A part that is a contrast of relative accuracies on the random splits."""
    return Part(statement, quantity, rule, lambda study: estimate(study.random_splits, contrast))


def equal_to_base(treatment: str, layers: tuple[int, ...]) -> list[Part]:
    """Parts that say that a treatment equals base, at each n of `layers` on its own."""
    return [
        on_random_splits(f"equals base at {n}", f"{treatment} - base, n = {n}", EQUAL, {(treatment, (n,)): 1.0})
        for n in layers
    ]


def base_accuracy(study: Study) -> Estimate:
    """Mean accuracy of base networks; it says something about the claim only on halves of 500 classes."""
    if study.base.empty or not (study.base["classes"] == 500).all():
        return Estimate(np.nan)
    by_split = study.base.groupby("split")[study.measure].mean()
    p = study.base[study.measure].mean()
    images = study.base.groupby("target")["val_images"].max().sum()
    return Estimate(p, by_split.sem(), np.sqrt(p * (1 - p) / images), len(by_split) - 1, len(study.base))


def distance(study: Study) -> Estimate:
    """Transfer loss at n = 7 between man-made and natural, less that on random splits (at n = 0 both are 0).

    There is one man-made/natural split. The question is whether a random split could lose as much: the error is that
    of predicting one more split from those at hand, s sqrt(1 + 1/splits).
    """
    last = ("AnB", (7,))
    similar, dissimilar = (estimate(table, {last: -1.0}) for table in (study.random_splits, study.manmade_natural))
    spread, splits = _spread(study.random_splits, last[1])
    return _difference(dissimilar, similar, spread * np.sqrt(1 + 1 / splits) if splits else np.nan, splits)


def over_random_filters(study: Study) -> Estimate:
    """Mean relative accuracy of AnB between man-made and natural, less that of random filters.

    Each was trained once. Their error is taken from how random splits differ: s for the mean of the two directions of
    a split, at most sqrt(2) s for the one random network, so sqrt(3) s for the difference.
    """
    distant = estimate(study.manmade_natural, {("AnB", LAYERS): 1.0})
    untrained = estimate(study.random_filters, {("random", LAYERS): 1.0})
    spread, splits = _spread(study.random_splits, LAYERS)
    return _difference(distant, untrained, np.sqrt(3) * spread, splits)


def remaining_share(study: Study) -> Estimate:
    """Share of the base network's accuracy above chance that networks with 3 or more random layers keep.

    Each was trained once; their error is taken from how random splits differ, as in `over_random_filters`.
    """
    untrained = estimate(study.random_filters, {("random", LAYERS[2:]): 1.0})
    spread, splits = _spread(study.random_splits, LAYERS[2:])
    if not (untrained.networks and splits):
        return Estimate(np.nan)
    scale = study.whole[study.measure].iloc[0] - 1 / study.whole["classes"].iloc[0]
    errors = np.sqrt(2) * spread / scale, untrained.se_images / scale
    return Estimate(1 + untrained.value / scale, *errors, splits - 1, untrained.networks)


def kernel_share(kind: str) -> Callable[[Study], Estimate]:
    """Share of the base networks' first-layer kernels that are `kind`: edge or blob."""

    def share(study: Study) -> Estimate:
        """The share in one study, with its errors between splits and of counting kernels."""
        if study.kernels.empty:
            return Estimate(np.nan)
        by_split = study.kernels.groupby("split")[kind].mean()
        p = study.kernels[kind].mean()
        error = np.sqrt(p * (1 - p) / len(study.kernels))
        networks = study.kernels.groupby(["split", "network"]).ngroups
        return Estimate(p, by_split.sem(), error, len(by_split) - 1, networks)

    return share


def _spread(relative: pd.DataFrame, layers: tuple[int, ...]) -> tuple[float, int]:
    """Standard deviation between random splits of the mean transfer loss over `layers`, and the number of splits."""
    chosen = relative[(relative["treatment"] == "AnB") & relative["n"].isin(layers)]
    by_split = chosen.groupby("split")["relative"].mean()
    return by_split.std(), len(by_split)


def _difference(one: Estimate, other: Estimate, se_splits: float, splits: int) -> Estimate:
    if not (one.networks and other.networks and splits):
        return Estimate(np.nan)
    se_images = float(np.hypot(one.se_images, other.se_images))
    return Estimate(one.value - other.value, se_splits, se_images, splits - 1, one.networks + other.networks)


def _selffers(*layers: int) -> tuple[str, tuple[int, ...]]:
    return "BnB", layers


CLAIMS: dict[int, tuple[str, list[Part]]] = {
    1: (
        "baseB on 500 classes reaches .625 top-1",
        [Part("reaches .625", "mean base", Rule(low=0.625 - MARGIN), base_accuracy)],
    ),
    2: (
        "BnB equals base at n = 1, 2, 6, 7 and drops at 3 to 5, most at 4 and 5: fragile co-adaptation in the middle",
        [
            *equal_to_base("BnB", (1, 2, 6, 7)),
            on_random_splits("drops at 3 to 5", "base - BnB, n = 3..5", POSITIVE, {_selffers(3, 4, 5): -1.0}),
            on_random_splits(
                "most at 4 and 5",
                "BnB, n = 1, 2, 3, 6, 7, less BnB, n = 4, 5",
                POSITIVE,
                {_selffers(1, 2, 3, 6, 7): 1.0, _selffers(4, 5): -1.0},
            ),
        ],
    ),
    3: (
        "BnB+ equals base: fine-tuning recovers the lost co-adaptation",
        [
            on_random_splits(
                "recovers", "BnB+ - BnB, n = 4, 5", POSITIVE, {("BnB+", (4, 5)): 1.0, _selffers(4, 5): -1.0}
            ),
            *equal_to_base("BnB+", LAYERS),
        ],
    ),
    4: (
        "AnB: n = 1, 2 transfer almost perfectly, 3 to 7 drop; co-adaptation dominates at 3 to 5, specificity at 6, 7",
        [
            *equal_to_base("AnB", (1, 2)),
            on_random_splits("3 to 7 drop", "base - AnB, n = 3..7", POSITIVE, {("AnB", LAYERS[2:]): -1.0}),
            on_random_splits(
                "co-adaptation dominates at 3 to 5",
                "(base - BnB) - (BnB - AnB), n = 3..5",
                POSITIVE,
                {_selffers(3, 4, 5): -2.0, ("AnB", (3, 4, 5)): 1.0},
            ),
            on_random_splits(
                "specificity dominates at 6, 7",
                "(BnB - AnB) - (base - BnB), n = 6, 7",
                POSITIVE,
                {_selffers(6, 7): 2.0, ("AnB", (6, 7)): -1.0},
            ),
        ],
    ),
    5: (
        "AnB+ beats base, more so for larger n, and BnB+ does not",
        [
            on_random_splits("beats base", "AnB+ - base, n = 1..7", POSITIVE, {("AnB+", LAYERS): 1.0}),
            on_random_splits(
                "more so for larger n",
                "AnB+, n = 5..7, less AnB+, n = 1..3",
                POSITIVE,
                {("AnB+", (5, 6, 7)): 1.0, ("AnB+", (1, 2, 3)): -1.0},
            ),
            on_random_splits(
                "beats BnB+", "AnB+ - BnB+, n = 1..7", POSITIVE, {("AnB+", LAYERS): 1.0, ("BnB+", LAYERS): -1.0}
            ),
        ],
    ),
    6: (
        "AnB drops faster with n between dissimilar tasks",
        [Part("drops deeper at n = 7", "base - AnB, n = 7: man-made/natural less random splits", POSITIVE, distance)],
    ),
    7: (
        "Even distant features beat random filters, and these fall to near chance from n = 3",
        [
            Part(
                "distant features beat random filters",
                "accuracy relative to base, n = 1..7: AnB on man-made/natural less random filters",
                POSITIVE,
                over_random_filters,
            ),
            Part(
                "random filters near chance",
                "share of base's accuracy above chance that is kept, n = 3..7",
                Rule(high=NEAR_CHANCE),
                remaining_share,
            ),
        ],
    ),
    8: (
        "The first layer learns oriented edges and colour blobs",
        [
            Part("oriented edges", "share of kernels", Rule(low=RANDOM_SHARE), kernel_share("edge")),
            Part("colour blobs", "share of kernels", Rule(low=RANDOM_SHARE), kernel_share("blob")),
        ],
    ),
}


def claims_table(study: Study, paper: Study) -> pd.DataFrame:
    """Decide every claim; one row per part.

    Columns: claim, conclusion, verdict (the claim's), part, quantity, rule, paper (its value), value, low, high,
    networks, part_verdict, reason (why a part is not decided). Accuracies are shares.
    """
    rows = []
    for number, (conclusion, parts) in CLAIMS.items():
        found = [part.estimate(study) for part in parts]
        verdict = decide(parts, found)
        for part, ours in zip(parts, found, strict=True):
            own = part.rule.verdict(ours)
            rows.append(
                {
                    "claim": number,
                    "conclusion": conclusion,
                    "verdict": verdict,
                    "part": part.statement,
                    "quantity": part.quantity,
                    "rule": str(part.rule),
                    "paper": part.estimate(paper).value,
                    "value": ours.value,
                    "low": ours.interval()[0],
                    "high": ours.interval()[1],
                    "networks": ours.networks,
                    "part_verdict": own,
                    "reason": _reason(ours) if own == NOT_DECIDED else "",
                }
            )
    return pd.DataFrame(rows)


def decide(parts: list[Part], found: list[Estimate]) -> str:
    """Return the verdict on a claim from the estimates of its parts."""
    pairs = list(zip(parts, found, strict=True))
    if all(part.rule.verdict(ours) == CONFIRMED for part, ours in pairs):
        return CONFIRMED
    if any(part.rule.verdict(ours, ALPHA / len(parts)) == CONTRADICTED for part, ours in pairs):
        return CONTRADICTED
    return NOT_DECIDED


def _reason(found: Estimate) -> str:
    if not found.networks:
        return "this study lacks networks that could tell"
    return "the interval crosses the bound" if found.degrees else "one split alone has no interval"
