"""The quantities that the paper's claims rest on, each with its interval, and the rules for verdicts."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from transferability.analysis import distance
from transferability.analysis.effects import ALPHA, Contrast, Estimate, estimate
from transferability.analysis.image_errors import IMAGE_SHARE, INDEPENDENT
from transferability.analysis.relative import relative_accuracies
from transferability.datasets.class_distances import MEASURES
from transferability.study.network import MIXED

MARGIN = 0.01  # a difference of less than one point counts as equal; "more" means by more than a point

CONFIRMED, CONTRADICTED, NOT_DECIDED = "confirmed", "contradicted", "not decided"
NOT_TESTED = "not tested here"  # the study lacks the networks for it
NOT_COMPARABLE = "not comparable"  # the claim depends on initial weights, and these are not drawn as the paper's

LAYERS = tuple(range(1, 8))
ALL_LAYERS = (8,)  # the n of the control for longer training
PAPERS_WEIGHTS = "caffenet"  # the architecture that draws its initial weights as the paper's network


@dataclass(frozen=True)
class Study:
    """The data that decide claims: base networks, relative accuracies per experiment, the whole set, the kernels.

    `losses` (`distance.losses`) are the transfer losses of all splits whose halves have a distance. `papers_weights` is
    True if networks begin with weights that are drawn as the paper's.
    """

    base: pd.DataFrame
    random_splits: pd.DataFrame
    manmade_natural: pd.DataFrame
    random_filters: pd.DataFrame
    whole: pd.DataFrame
    kernels: pd.DataFrame
    measure: str
    papers_weights: bool = True
    losses: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["split", "n"]))

    @classmethod
    def from_tables(
        cls,
        accuracies: pd.DataFrame,
        kernels: pd.DataFrame,
        measure: str,
        distances: pd.DataFrame | None = None,
        architecture: str = PAPERS_WEIGHTS,
    ) -> "Study":
        """Build a study from a table of accuracies (`accuracies.COLUMNS`), one of kernels, and one of distances.

        `kernels` is what `kernels.kernels_table` returns. `distances` is the table of
        `split_distances.split_distances`; without it, claims about distance are not tested.
        """
        known = pd.DataFrame(columns=["split", *MEASURES]) if distances is None else distances
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
            papers_weights=architecture == PAPERS_WEIGHTS,
            losses=distance.losses(relative, known),
        )

    def with_independent_images(self) -> "Study":
        """Return this study with the image errors of networks that err independently (`image_errors`)."""
        tables = ("random_splits", "manmade_natural", "random_filters", "losses")
        return replace(self, **{name: getattr(self, name).assign(**{IMAGE_SHARE: INDEPENDENT}) for name in tables})


@dataclass(frozen=True)
class Rule:
    """The range, from `low` to `high`, in which a quantity must lie for a claim to hold."""

    low: float = -np.inf
    high: float = np.inf

    def verdict(self, found: Estimate, alpha: float = ALPHA) -> str:
        """Decide by the interval at level 1 - 2 alpha.

        A quantity chosen as the smallest of k is contradicted at level alpha / k.
        """
        if np.isnan(found.value):
            return NOT_TESTED
        low, high = found.interval(alpha)
        if low > self.low and high < self.high:
            return CONFIRMED
        low, high = found.interval(alpha / found.smallest_of)
        return CONTRADICTED if high < self.low or low > self.high else NOT_DECIDED

    def __str__(self) -> str:
        if np.isinf(self.high):
            return f"> {self.low:g}"
        return f"< {self.high:g}" if np.isinf(self.low) else f"{self.low:g} to {self.high:g}"


SHARE = (0.0, 1.0)
MORE, EQUAL, NO_LESS = Rule(low=MARGIN), Rule(-MARGIN, MARGIN), Rule(low=-MARGIN)


@dataclass(frozen=True)
class Part:
    """One quantity that a claim rests on. Its interval is cut at `limits`, which are 0 and 1 for a share.

    A part that is `ours` is shown beside the paper's claim and does not decide it. A part with `of_papers_weights` can
    be compared with the paper only if networks begin with weights that are drawn as the paper's.
    """

    statement: str
    quantity: str
    rule: Rule
    estimate: Callable[[Study], Estimate]
    limits: tuple[float, float] = (-np.inf, np.inf)
    ours: bool = False
    of_papers_weights: bool = False

    def verdict(self, study: Study, found: Estimate, alpha: float = ALPHA) -> str:
        """Return the verdict on the estimate of a study."""
        decided = self.rule.verdict(found, alpha)
        comparable = study.papers_weights or not self.of_papers_weights
        return decided if comparable or decided == NOT_TESTED else NOT_COMPARABLE

    def interval(self, found: Estimate) -> tuple[float, float]:
        """Return the estimate's interval at level 1 - 2 ALPHA, cut at the limits."""
        low, high = np.clip(found.interval(), *self.limits)
        return float(low), float(high)


def on_random_splits(statement: str, quantity: str, rule: Rule, contrast: Contrast, ours: bool = False) -> Part:
    """A part that is a contrast of relative accuracies on the random splits."""
    return Part(statement, quantity, rule, lambda study: estimate(study.random_splits, contrast), ours=ours)


def against_base(statement: str, rule: Rule, treatment: str, layers: tuple[int, ...]) -> list[Part]:
    """Parts that compare a treatment with base, one for each n of `layers`."""
    return [
        on_random_splits(f"{statement} at {n}", f"{treatment} - base, n = {n}", rule, {(treatment, (n,)): 1.0})
        for n in layers
    ]


def growing(n: int) -> list[Part]:
    """Parts that test whether transfer loss grows steadily with distance at this n."""
    unit = f"growth of base - AnB per 0.1 of distance, n = {n}"
    between = f"smallest growth of base - AnB between neighbouring distances, n = {n}"
    return [
        Part(f"grows at {n}", unit, MORE, lambda study: growth(study, n)),
        Part(f"falls nowhere at {n}", between, NO_LESS, lambda study: smallest_growth(study, n)),
    ]


def base_accuracy(study: Study) -> Estimate:
    """Mean accuracy of base networks; NaN unless halves have 500 classes, as the claim is about these."""
    if study.base.empty or not (study.base["classes"] == 500).all():
        return Estimate(np.nan)
    by_split = study.base.groupby("split")[study.measure].mean()
    p = study.base[study.measure].mean()
    images = study.base.groupby("target")["val_images"].max().sum()
    return Estimate(p, by_split.sem(), np.sqrt(p * (1 - p) / images), len(by_split) - 1, len(study.base))


def drop_between_sides(study: Study) -> Estimate:
    """Transfer loss at n = 7 between man-made and natural, less that on random splits (at n = 0 both are 0).

    There is only one man-made/natural split. The question is whether a random split could lose as much, so the error is
    that of predicting one more split from the available ones, s sqrt(1 + 1/splits).
    """
    last = ("AnB", (7,))
    similar, dissimilar = (estimate(table, {last: -1.0}) for table in (study.random_splits, study.manmade_natural))
    spread, splits = _spread(study.random_splits, last[1])
    return _difference(dissimilar, similar, spread * np.sqrt(1 + 1 / splits) if splits else np.nan, splits)


def over_random_filters(study: Study) -> Estimate:
    """Mean relative accuracy of AnB between man-made and natural, less that of random filters.

    Each network was trained once. Their error is taken from the spread of random splits: s for the mean of the two
    directions of a split, at most sqrt(2) s for the one random network, so sqrt(3) s for the difference.
    """
    distant = estimate(study.manmade_natural, {("AnB", LAYERS): 1.0})
    untrained = estimate(study.random_filters, {("random", LAYERS): 1.0})
    spread, splits = _spread(study.random_splits, LAYERS)
    return _difference(distant, untrained, np.sqrt(3) * spread, splits)


def remaining_share(study: Study) -> Estimate:
    """Share of the base network's accuracy above chance that networks with 3 or more random layers keep.

    Each network was trained once; their error is taken from the spread of random splits, as in `over_random_filters`.
    """
    untrained = estimate(study.random_filters, {("random", LAYERS[2:]): 1.0})
    spread, splits = _spread(study.random_splits, LAYERS[2:])
    if not (untrained.networks and splits):
        return Estimate(np.nan)
    scale = study.whole[study.measure].iloc[0] - 1 / study.whole["classes"].iloc[0]
    errors = np.sqrt(2) * spread / scale, untrained.se_images / scale
    return Estimate(1 + untrained.value / scale, *errors, splits - 1, untrained.networks)


def growth(study: Study, n: int) -> Estimate:
    """Growth of the transfer loss per 0.1 of semantic distance, at one n, over all splits.

    NaN unless a study has mixed splits between man-made/natural and random ones: with two distances, any growth is
    steady.
    """
    return distance.slope(study.losses, (n,)) if _has_distances_between(study) else Estimate(np.nan)


def smallest_growth(study: Study, n: int) -> Estimate:
    """The smallest growth of the transfer loss from one distance to the next larger one; NaN as in `growth`."""
    return distance.smallest_step(study.losses, n) if _has_distances_between(study) else Estimate(np.nan)


def _has_distances_between(study: Study) -> bool:
    return bool(study.losses["split"].str.startswith(MIXED).any())


def more_kernels(kind: str) -> Callable[[Study], Estimate]:
    """The share of base networks' first-layer kernels that are of a `kind` (edge, blob), less that before training."""

    def share(study: Study) -> Estimate:
        """Estimate the share in one study, with the error between splits and that of counting kernels."""
        more = study.kernels[kind].astype(float) - study.kernels[f"{kind}_at_start"].astype(float)
        if more.empty or more.isna().any():
            return Estimate(np.nan)
        by_split = more.groupby(study.kernels["split"]).mean()
        error = more.std(ddof=0) / np.sqrt(len(more))
        networks = study.kernels.groupby(["split", "network"]).ngroups
        return Estimate(more.mean(), by_split.sem(), error, len(by_split) - 1, networks)

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
