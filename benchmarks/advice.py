"""How often the certainty of advice holds, and what its decision loses: python benchmarks/advice.py [studies]

Prints two tables of Markdown, from simulated studies whose truth is known. The first is for the advice as it is; the
second compares ways to estimate the variance of a difference. Each number is the worst over all truths.

A simulated network has its arm's true accuracy, plus a deviation of its block, plus one of its own. Own deviations
differ in size from arm to arm (training from scratch varies most) and are correlated between neighbouring arms. It is
tested image by image: each image has its difficulty, which all arms share, and suits some arms more than others.

- Splits: all are tested on the same 800 images.
- Folds: 400 images, divided. Each training set is made of parts; the effects of its parts on each arm vary as much as
  the random numbers do, and folds share all parts but two.
- Repeats: all are tested on the same 150 images.
"""

import sys
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import digamma, ndtri, polygamma

from transferability.analysis import decision
from transferability.analysis.decision import MARGIN, Evidence, decide, moderated_variances
from transferability.analysis.paired_images import one_more_image, shared_variance

# Arms from the cheapest to the most expensive; the last is training from scratch.
COSTS = np.array([1, 3, 5, 7, 8, 9, 9.0])
SPREAD = np.array([1, 1.2, 1.2, 2, 2, 2, 4]) / 100
SEVEN = {
    "all equal": np.repeat(0.91, 7),
    "copies equal": np.array([91, 91, 91, 91, 91, 91, 67]) / 100,
    "flat": np.array([91, 91.5, 91.2, 90, 89.5, 89, 67.7]) / 100,
    "classifier 3 points worse": np.array([88, 91, 91.5, 91.2, 91.3, 91, 70]) / 100,
    "steep": np.array([80, 84, 87, 90, 91, 92, 60]) / 100,
}
TRUTHS = {**SEVEN, "two networks": np.concatenate([SEVEN["flat"], SEVEN["flat"] - 0.005])}
IMAGES = {"splits": 800, "folds": 400, "repeats": 150}
OWN_SPREAD = {"splits": 1.0, "folds": 0.7, "repeats": 0.7}  # of a network, times SPREAD
BETWEEN_BLOCKS = {"splits": 0.02, "folds": 0.02, "repeats": 0.0}
NEIGHBOURS = 0.6  # correlation of neighbouring arms
SHARED, SUITS = 0.55, 0.2  # share of the difficulty, and of what suits an arm, in the variance of an image's score
BLOCKS = (2, 3, 5, 10)

Estimator = Callable[[np.ndarray], tuple[np.ndarray, int]]


def simulate(kind: str, truth: np.ndarray, blocks: int, rng: np.random.Generator) -> Evidence:
    """Return what a study finds about arms whose true accuracies are `truth`."""
    arms = len(truth)
    places = np.arange(arms)
    root = np.linalg.cholesky(NEIGHBOURS ** np.abs(places[:, None] - places))
    spread = OWN_SPREAD[kind] * SPREAD[places % len(SPREAD)][:, None]

    def deviations() -> np.ndarray:
        return spread * (root @ rng.standard_normal((arms, blocks)))

    chance = truth[:, None] + deviations() + rng.normal(0, BETWEEN_BLOCKS[kind], blocks)
    if kind == "folds":
        parts = deviations()
        chance += (parts.sum(axis=1, keepdims=True) - parts) / np.sqrt(blocks - 1)
    sets = blocks if kind == "folds" else 1  # of images
    images = IMAGES[kind] // sets
    difficulty = rng.standard_normal((sets, images))
    suits = np.tensordot(root, rng.standard_normal((arms, sets, images)), 1)
    luck = rng.standard_normal((arms, blocks, images), dtype=np.float32)
    score = np.sqrt(SHARED) * difficulty + np.sqrt(SUITS) * suits + np.sqrt(1 - SHARED - SUITS) * luck
    right = score < ndtri(np.clip(chance, 1e-9, 1 - 1e-9))[:, :, None]
    shared = 0 if kind == "folds" else shared_variance((right - right.mean(axis=2, keepdims=True)) / images)
    overlap = 1 / (blocks - 1) if kind == "folds" else 0.0
    error = (shared + one_more_image(IMAGES[kind])) * (1 - np.eye(arms))
    return Evidence(right.mean(axis=2), COSTS[places % len(COSTS)], error, overlap)


def outcome(truth: np.ndarray, evidence: Evidence, estimator: Estimator = moderated_variances) -> dict[str, float]:
    """Return whether the certainty holds with an estimator of variances, and what the advised arm loses, in points."""
    with patch.object(decision, "moderated_variances", estimator):
        made = decide(evidence)
    loss = truth.max() - truth
    return {
        "bounds": bool((made.bound >= loss - 1e-9).all()),
        "rulings": not made.ruled_out[loss <= MARGIN].any(),
        "regret": 100 * loss[made.advised],
        "bound": 100 * made.bound[made.advised],
    }


def rates(kind: str, truth: np.ndarray, blocks: int, studies: int, seed: int = 0) -> pd.DataFrame:
    """Return the mean `outcome` of simulated studies, with a row per estimator."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(studies):
        evidence = simulate(kind, truth, blocks, rng)
        found += [{"estimator": name} | outcome(truth, evidence, one) for name, one in ESTIMATORS.items()]
    return pd.DataFrame(found).groupby("estimator", sort=False).mean()


def worst(kind: str, blocks: int, studies: int) -> pd.DataFrame:
    """Return the worst `rates` over all truths, and the mean bound of the advised arm, with a row per estimator."""
    tables = [rates(kind, truth, blocks, studies) for truth in TRUTHS.values()]
    by_estimator = pd.concat(tables).groupby(level=0, sort=False)
    least, most, mean = by_estimator.min(), by_estimator.max(), by_estimator.mean()
    return pd.concat([least[["bounds", "rulings"]], most[["regret"]], mean[["bound"]]], axis=1)


def own(accuracy: np.ndarray) -> tuple[np.ndarray, int]:
    """The variance of each difference by itself, as in a paired t test."""
    return (accuracy[:, None] - accuracy[None]).var(axis=2, ddof=1), accuracy.shape[1] - 1


def pooled(accuracy: np.ndarray) -> tuple[np.ndarray, int]:
    """The mean variance of all differences."""
    arms, (variance, degrees) = len(accuracy), own(accuracy)
    return np.full((arms, arms), variance.sum() / (arms * (arms - 1))), (arms - 1) * degrees


def smyth(accuracy: np.ndarray) -> tuple[np.ndarray, int]:
    """The moderated variance with estimated prior (Smyth 2004, section 6.2; degrees at most pooled, as in limma)."""
    variance, degrees = own(accuracy)
    arms = len(accuracy)
    logs = np.log(np.maximum(variance[np.triu_indices(arms, 1)], 1e-8)) - digamma(degrees / 2) + np.log(degrees / 2)
    excess = logs.var(ddof=1) - polygamma(1, degrees / 2)
    if excess <= 0:
        return np.full((arms, arms), np.exp(logs.mean())), (arms - 1) * degrees
    prior = 2 * np.exp(brentq(lambda log: polygamma(1, np.exp(log)) - excess, -20, 20))
    location = np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))
    return (prior * location + degrees * variance) / (prior + degrees), min(prior + degrees, (arms - 1) * degrees)


USED = "moderated, prior of 2 degrees (used)"
ESTIMATORS: dict[str, Estimator] = {
    "own (paired t)": own,
    "pooled": pooled,
    "moderated, prior estimated": smyth,
    USED: moderated_variances,
}


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.0f} %"


def as_used(found: dict[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """The first table: the advice as it is. `found` has what `worst` returns, by kind and number of blocks."""
    rows = []
    for (kind, blocks), table in found.items():
        row = table.loc[USED]
        shares = {name: percent(row[name]) for name in ("bounds", "rulings")}
        rows.append(
            {"blocks": f"{blocks} {kind}"} | shares | {name: f"{row[name]:.1f}" for name in ("regret", "bound")}
        )
    return pd.DataFrame(rows)


def compared(found: dict[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """The second table: the smallest share over all kinds and truths, and the mean bound, by estimator and blocks."""
    columns = {}
    for blocks in BLOCKS:
        tables = pd.concat([table for (_, number), table in found.items() if number == blocks])
        by_estimator = tables.groupby(level=0, sort=False)
        least, bound = by_estimator[["bounds", "rulings"]].min().min(axis=1), by_estimator["bound"].mean()
        columns[f"{blocks} blocks"] = least.map(percent) + bound.map(", {:.1f} points".format)
    return pd.DataFrame(columns).rename_axis("variance of a difference").reset_index()


if __name__ == "__main__":
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = {(kind, blocks): worst(kind, blocks, studies) for kind in IMAGES for blocks in BLOCKS}
    for table in (as_used(found), compared(found)):
        print(table.to_markdown(index=False, disable_numparse=True), end="\n\n")
