"""The paper's eight conclusions, and one of our own, each decided by stated rules: confirmed, contradicted, or neither.

A claim has parts, each with one quantity, its interval, and a rule. That something is equal is asked at each n on its
own, that something is larger of the mean over the n that the claim names. A part is confirmed if the whole interval
lies where the claim says, contradicted if it lies wholly elsewhere, and otherwise not decided; without the networks
that it speaks of it is not tested. Each error is ALPHA at most. A claim is confirmed if all of its parts are (an
intersection-union test, which keeps the level). It is contradicted if one part is at level ALPHA divided by the number
of parts (Bonferroni).
"""

import pandas as pd

from transferability.analysis.claim_parts import (
    CONFIRMED,
    CONTRADICTED,
    LAYERS,
    MARGIN,
    NOT_DECIDED,
    NOT_TESTED,
    POSITIVE,
    SHARE,
    Part,
    Rule,
    Study,
    base_accuracy,
    drop_between_sides,
    equal_to_base,
    growth,
    growth_between,
    kernel_share,
    on_random_splits,
    over_random_filters,
    remaining_share,
)
from transferability.analysis.effects import ALPHA, Estimate, estimate
from transferability.analysis.kernels import RANDOM_SHARE
from transferability.analysis.relative import CONTROL

ALL_LAYERS = (8,)  # the n of the control for longer training
CONVERGED = 0.02  # longer training wins no more than so much
VERDICTS = (CONFIRMED, CONTRADICTED, NOT_DECIDED, NOT_TESTED)
NEAR_CHANCE = 0.1  # so much of the base network's accuracy above chance, or less, is near chance


RULES = """A claim is confirmed if all of its parts are, contradicted if one is. A part is confirmed if its whole 90 %
interval (low to high) keeps the rule, contradicted if all of it breaks the rule, else not decided; parts of which this
study has no networks are not tested here. The error of each verdict is at most 5 % (for a claim of several parts to be
contradicted, 5 % divided by their number). Values are shares of 1; one point is .01, and what differs by less counts as
equal. Where a part names several n, their mean decides. The paper's values come from its own accuracies by the same
rules."""
NOT_ITS_LAYERS = """The paper's claims speak of the eight layers of its network, and this study's network has others:
what its layers give is in advice.md."""


def _selffers(*layers: int) -> tuple[str, tuple[int, ...]]:
    return "BnB", layers


CLAIMS: dict[int, tuple[str, list[Part]]] = {
    1: (
        "baseB on 500 classes reaches .625 top-1",
        [Part("reaches .625", "mean base", Rule(low=0.625 - MARGIN), base_accuracy, SHARE)],
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
            on_random_splits(
                "beats longer training",
                "AnB+, n = 1..7, less B8B+",
                POSITIVE,
                {("AnB+", LAYERS): 1.0, (CONTROL, ALL_LAYERS): -1.0},
            ),
        ],
    ),
    6: (
        "AnB drops faster with n between dissimilar tasks",
        [
            Part(
                "drops deeper at n = 7",
                "base - AnB, n = 7: man-made/natural less random splits",
                POSITIVE,
                drop_between_sides,
            )
        ],
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
                SHARE,
            ),
        ],
    ),
    8: (
        "The first layer learns oriented edges and colour blobs",
        [
            Part("oriented edges", "share of kernels", Rule(low=RANDOM_SHARE), kernel_share("edge"), SHARE),
            Part("colour blobs", "share of kernels", Rule(low=RANDOM_SHARE), kernel_share("blob"), SHARE),
        ],
    ),
    9: (
        "Transfer loss grows steadily with the semantic distance of the halves (ours, not the paper's)",
        [
            Part("grows", "growth of base - AnB per 0.1 of distance, mean over n", POSITIVE, growth),
            Part("grows without man-made/natural", "the same, without that split", POSITIVE, growth_between),
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
                    "low": part.interval(ours)[0],
                    "high": part.interval(ours)[1],
                    "networks": ours.networks,
                    "part_verdict": own,
                    "reason": _reason(ours) if own in (NOT_DECIDED, NOT_TESTED) else "",
                }
            )
    return pd.DataFrame(rows)


def claims_left_out() -> pd.DataFrame:
    """What `claims_table` gives where the network has other layers than the paper's: nothing is decided, and why."""
    rows = [
        {"claim": number, "conclusion": conclusion, "verdict": NOT_TESTED, "reason": " ".join(NOT_ITS_LAYERS.split())}
        for number, (conclusion, _) in CLAIMS.items()
    ]
    return pd.DataFrame(rows)


def decide(parts: list[Part], found: list[Estimate]) -> str:
    """Return the verdict on a claim from the estimates of its parts."""
    pairs = list(zip(parts, found, strict=True))
    if all(part.rule.verdict(ours) == NOT_TESTED for part, ours in pairs):
        return NOT_TESTED
    if all(part.rule.verdict(ours) == CONFIRMED for part, ours in pairs):
        return CONFIRMED
    if any(part.rule.verdict(ours, ALPHA / len(parts)) == CONTRADICTED for part, ours in pairs):
        return CONTRADICTED
    return NOT_DECIDED


def claims_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row per claim of `claims_table`: claim, verdict, conclusion, and its parts by their verdicts."""
    rows = []
    for (claim, conclusion, verdict), parts in table.groupby(["claim", "conclusion", "verdict"], sort=False):
        by_verdict = parts.groupby("part_verdict", sort=False)["part"].agg("; ".join)
        said = [f"{own}: {by_verdict[own]}" for own in VERDICTS if own in by_verdict] if len(parts) > 1 else []
        rows.append({"claim": claim, "verdict": verdict, "conclusion": conclusion, "parts": ". ".join(said)})
    return pd.DataFrame(rows)


def premises(study: Study) -> list[str]:
    """Say what claims 2 to 5 take for granted and this study does not have: training that had converged.

    That is, the control for longer training (B8B+) lies within CONVERGED of base; where there is none, BnB at the
    smallest n does, whose layers above n are trained as long again.
    """
    numbers = study.random_splits.loc[study.random_splits["treatment"] == "BnB", "n"]
    candidates = [("B8B+", CONTROL, ALL_LAYERS)]
    if len(numbers):
        candidates.append((f"BnB at n = {numbers.min()}", "BnB", (numbers.min(),)))
    for name, treatment, layers in candidates:
        found = estimate(study.random_splits, {(treatment, layers): 1.0})
        if not found.networks:
            continue
        if found.value <= CONVERGED:
            return []
        return [
            f"{name} lies {100 * found.value:.1f} points above base: training had not converged, and claims 2 to 5 "
            "speak of the schedule as much as of features. Train longer (training.length) before you rely on them."
        ]
    return []


def _reason(found: Estimate) -> str:
    if not found.networks:
        return "this study lacks networks that could tell"
    return "the interval crosses the bound" if found.degrees else "one split alone has no interval"
