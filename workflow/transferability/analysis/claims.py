"""The paper's eight conclusions, and one of our own, each decided by stated rules: confirmed, contradicted, or neither.

A claim has parts, each with one quantity, its interval, and a rule. Claims use the paper's wording, and the parts add
nothing to it. One margin separates the results: a difference of less than MARGIN counts as equal, and "more" means by
more than MARGIN. Equality is tested at each n separately. Whether a quantity is larger is tested on the mean over the n
that the claim names, or at each n if the claim says "at every n". A part is confirmed if its whole interval lies where
the claim says, contradicted if the whole interval lies elsewhere, and otherwise not decided; it is not tested if the
study lacks the networks for it. Each error is at most ALPHA. A claim is confirmed if all of its parts are (an
intersection-union test, which keeps the level). It is contradicted if one part is contradicted at level ALPHA divided
by the number of parts (Bonferroni). Our own parts, such as those about the control for longer training, are shown
beside a claim and do not decide it.
"""

from transferability.analysis.claim_parts import (
    ALL_LAYERS,
    CONFIRMED,
    CONTRADICTED,
    EQUAL,
    LAYERS,
    MARGIN,
    MORE,
    NO_LESS,
    NOT_COMPARABLE,
    NOT_DECIDED,
    NOT_TESTED,
    SHARE,
    Part,
    Rule,
    Study,
    against_base,
    base_accuracy,
    drop_between_sides,
    growing,
    more_kernels,
    on_random_splits,
    over_random_filters,
    remaining_share,
)
from transferability.analysis.effects import ALPHA, Estimate
from transferability.analysis.relative import CONTROL

NEAR_CHANCE = 0.1  # at most this share of the base network's accuracy above chance counts as near chance
LONGER = (CONTROL, ALL_LAYERS)
OURS = 9  # the claim that is not the paper's


CLAIMS: dict[int, tuple[str, list[Part]]] = {
    1: (
        "baseB on 500 classes reaches .625 top-1",
        [Part("reaches .625", "mean base", Rule(low=0.625 - MARGIN), base_accuracy, SHARE)],
    ),
    2: (
        "BnB equals base at n = 1, 2, is worse at 3 to 6, particularly at 4 and 5, and nearly back at 6 and 7: fragile "
        "co-adaptation in the middle",
        [
            *against_base("equals base", EQUAL, "BnB", (1, 2)),
            on_random_splits("worse at 3 to 6", "base - BnB, n = 3..6", MORE, {("BnB", (3, 4, 5, 6)): -1.0}),
            on_random_splits(
                "particularly at 4 and 5",
                "BnB, n = 3, 6, less BnB, n = 4, 5",
                MORE,
                {("BnB", (3, 6)): 1.0, ("BnB", (4, 5)): -1.0},
            ),
            *against_base("nearly back", NO_LESS, "BnB", (6, 7)),
            on_random_splits(
                "worse than longer training at 3 to 6",
                "B8B+ - BnB, n = 3..6",
                MORE,
                {LONGER: 1.0, ("BnB", (3, 4, 5, 6)): -1.0},
                ours=True,
            ),
        ],
    ),
    3: (
        "BnB+ equals base: fine-tuning recovers the lost co-adaptation",
        [
            on_random_splits("recovers", "BnB+ - BnB, n = 4, 5", MORE, {("BnB+", (4, 5)): 1.0, ("BnB", (4, 5)): -1.0}),
            *against_base("equals base", EQUAL, "BnB+", LAYERS),
            on_random_splits(
                "equals longer training",
                "BnB+, n = 1..7, less B8B+",
                EQUAL,
                {("BnB+", LAYERS): 1.0, LONGER: -1.0},
                ours=True,
            ),
        ],
    ),
    4: (
        "AnB: n = 1, 2 transfer almost perfectly, 4 to 7 drop more than 3; co-adaptation dominates at 3 to 5, "
        "specificity at 6, 7",
        [
            *against_base("almost perfect", NO_LESS, "AnB", (1, 2)),
            on_random_splits("drops at 4 to 7", "base - AnB, n = 4..7", MORE, {("AnB", (4, 5, 6, 7)): -1.0}),
            on_random_splits(
                "drops less at 3",
                "AnB, n = 3, less AnB, n = 4..7",
                MORE,
                {("AnB", (3,)): 1.0, ("AnB", (4, 5, 6, 7)): -1.0},
            ),
            on_random_splits(
                "co-adaptation dominates at 3 to 5",
                "(base - BnB) - (BnB - AnB), n = 3..5",
                MORE,
                {("BnB", (3, 4, 5)): -2.0, ("AnB", (3, 4, 5)): 1.0},
            ),
            on_random_splits(
                "specificity dominates at 6, 7",
                "(BnB - AnB) - (base - BnB), n = 6, 7",
                MORE,
                {("BnB", (6, 7)): 2.0, ("AnB", (6, 7)): -1.0},
            ),
            on_random_splits(
                "co-adaptation dominates at 3 to 5, against longer training",
                "(B8B+ - BnB) - (BnB - AnB), n = 3..5",
                MORE,
                {LONGER: 1.0, ("BnB", (3, 4, 5)): -2.0, ("AnB", (3, 4, 5)): 1.0},
                ours=True,
            ),
        ],
    ),
    5: (
        "AnB+ beats base at every n, hardly more at one n than at another, and beats BnB+",
        [
            *against_base("beats base", MORE, "AnB+", LAYERS),
            on_random_splits(
                "hardly depends on n",
                "AnB+, n = 5..7, less AnB+, n = 1..3",
                EQUAL,
                {("AnB+", (5, 6, 7)): 1.0, ("AnB+", (1, 2, 3)): -1.0},
            ),
            on_random_splits(
                "beats BnB+", "AnB+ - BnB+, n = 1..7", MORE, {("AnB+", LAYERS): 1.0, ("BnB+", LAYERS): -1.0}
            ),
            on_random_splits(
                "beats longer training",
                "AnB+, n = 1..7, less B8B+",
                MORE,
                {("AnB+", LAYERS): 1.0, LONGER: -1.0},
                ours=True,
            ),
        ],
    ),
    6: (
        "AnB drops faster with n between dissimilar tasks",
        [
            Part(
                "drops deeper at n = 7",
                "base - AnB, n = 7: man-made/natural less random splits",
                MORE,
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
                MORE,
                over_random_filters,
            ),
            Part(
                "random filters near chance",
                "share of base's accuracy above chance that is kept, n = 3..7",
                Rule(high=NEAR_CHANCE),
                remaining_share,
                SHARE,
                of_papers_weights=True,
            ),
        ],
    ),
    8: (
        "The first layer learns oriented edges and colour blobs",
        [
            Part("learns oriented edges", "share of kernels, less that before training", MORE, more_kernels("edge")),
            Part("learns colour blobs", "share of kernels, less that before training", MORE, more_kernels("blob")),
        ],
    ),
    9: (
        "Transfer loss grows steadily with the semantic distance of the halves, at every n (ours, not the paper's)",
        [part for n in LAYERS for part in growing(n)],
    ),
}


def decide(study: Study, parts: list[Part], found: list[Estimate]) -> str:
    """Return the verdict on a claim from the estimates of its parts in a study; our own parts do not count."""
    pairs = [(part, one) for part, one in zip(parts, found, strict=True) if not part.ours]
    verdicts = {part.verdict(study, one) for part, one in pairs}
    if len(verdicts) == 1 and verdicts <= {CONFIRMED, NOT_TESTED}:
        return verdicts.pop()
    if any(part.verdict(study, one, ALPHA / len(pairs)) == CONTRADICTED for part, one in pairs):
        return CONTRADICTED
    return NOT_COMPARABLE if NOT_COMPARABLE in verdicts else NOT_DECIDED
