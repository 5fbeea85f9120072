"""Error rates of intervals and verdicts on simulated studies: python benchmarks/coverage.py [studies]

Prints, for simulated studies of 2, 4 and 8 splits:

- the share of intervals that contain the true transfer loss: this library's intervals and, for comparison, a percentile
  bootstrap over splits and one over splits and halves, all at the same nominal level;
- the two estimated variances that an interval adds, relative to the true ones, in studies in which the variance of the
  images matters;
- the share of studies that confirm "more", "equal" or "no less" by mistake, if the truth lies on the bound;
- the share of intervals that contain the true growth of transfer loss with semantic distance, and of studies that
  confirm claim 9.

Then it prints which of the paper's claims 2, 4, 8 and 16 splits decide, with the numbers of validation images of the
default pictures and of ILSVRC-2012.
"""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from simulated_studies import (
    CORRELATION,
    LAYERS,
    simulate_distances,
    simulate_study,
)
from transferability.analysis.claim_parts import CONFIRMED, EQUAL, MARGIN, MORE, NO_LESS, Study
from transferability.analysis.claims import CLAIMS, decide
from transferability.analysis.distance import slope
from transferability.analysis.effects import ALPHA, estimate
from transferability.analysis.kernels import read_kernels
from transferability.analysis.power import decision_rates, power_table, study_effects, typical_spread
from transferability.analysis.relative import relative_accuracies
from transferability.results.accuracies import COLUMNS
from transferability.study.configuration import default_config

TRUTH = {("AnB", 4): -0.05}
DRAWS = 1000
LARGE, FEW_IMAGES = -0.3, 200  # effect and number of images for which the variance of the images matters
GROWTHS = 0.0, 0.02, 0.08, 0.2  # of transfer loss per 0.1 of semantic distance
EMPTY = Study.from_tables(pd.DataFrame(columns=COLUMNS), read_kernels([]), "top1")
PICTURES, ILSVRC = 2400, 50_000  # validation images


def bootstrap(points: pd.DataFrame, halves: bool, seed: int) -> tuple[float, float]:
    """Percentile interval of the mean of `relative`; splits, and optionally halves, are drawn with replacement."""
    rng = np.random.default_rng(seed)
    table = points.pivot_table(index="split", columns="target", values="relative").to_numpy()
    drawn = table[rng.integers(len(table), size=(DRAWS, len(table)))]
    if halves:
        drawn = np.take_along_axis(drawn, rng.integers(2, size=drawn.shape), axis=2)
    return tuple(np.quantile(drawn.mean(axis=(1, 2)), [ALPHA, 1 - ALPHA]))


def coverage(splits: int, studies: int) -> dict[str, float]:
    """Share of intervals that contain the truth, by method."""
    hits: dict[str, list[bool]] = {}
    for seed in range(studies):
        relative = relative_accuracies(simulate_study(TRUTH, splits, seed), "top1")
        points = relative[(relative["treatment"] == "AnB") & (relative["n"] == 4)]
        intervals = {
            "ours": estimate(relative, {("AnB", (4,)): 1.0}).interval(),
            "bootstrap over splits": bootstrap(points, False, seed),
            "bootstrap over splits and halves": bootstrap(points, True, seed),
        }
        for name, (low, high) in intervals.items():
            hits.setdefault(name, []).append(low <= TRUTH["AnB", 4] <= high)
    return {name: float(np.mean(values)) for name, values in hits.items()}


def true_image_variance() -> float:
    """Variance of the difference from base due to the images in `variances`, for any number of splits."""
    difficulty = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)

    def chance(p: float) -> np.ndarray:
        return stats.norm.cdf((stats.norm.ppf(p) - np.sqrt(CORRELATION) * difficulty) / np.sqrt(1 - CORRELATION))

    return float((chance(0.6 + LARGE) - chance(0.6)).var() / FEW_IMAGES)


def variances(splits: int, studies: int) -> dict[str, float]:
    """Coverage of the intervals, and estimated over true variances: of the images, and of splits plus images."""
    found = []
    for seed in range(studies):
        study = simulate_study(
            {("AnB", 4): LARGE},
            splits,
            seed,
            images=FEW_IMAGES,
            between_splits=0.002,
            between_networks=0.002,
            layers=(4,),
        )
        ours = estimate(relative_accuracies(study, "top1"), {("AnB", (4,)): 1.0})
        low, high = ours.interval()
        found.append((ours.value, ours.se_splits**2, ours.se_images**2, low <= LARGE <= high))
    table = np.array(found)
    between, images = table[:, 1].mean(), table[:, 2].mean()
    return {
        "images": images / true_image_variance(),
        "splits + images": (between + images) / table[:, 0].var(),
        "coverage": table[:, 3].mean(),
    }


def growth(true: float, studies: int, images: int = 400) -> dict[str, float]:
    """Share of intervals that contain the true growth per 0.1 of distance, and of studies that confirm claim 9."""
    hits, confirmed = [], []
    parts = CLAIMS[9][1]
    for seed in range(studies):
        table = simulate_distances(true, seed, images=images)
        low, high = slope(table, LAYERS).interval()
        hits.append(low <= true <= high)
        study = replace(EMPTY, losses=table)
        confirmed.append(decide(study, parts, [part.estimate(study) for part in parts]) == CONFIRMED)
    return {"interval holds the truth": np.mean(hits), "claim 9 confirmed": np.mean(confirmed)}


def at_the_margin(splits: int, studies: int) -> dict[str, float]:
    """Share of studies that confirm each kind of rule by mistake, if the truth lies on its bound."""
    rules = {"more": (MORE, MARGIN), "equal": (EQUAL, MARGIN), "no less": (NO_LESS, -MARGIN)}
    confirmed: dict[str, list[bool]] = {}
    for seed in range(studies):
        for name, (rule, bound) in rules.items():
            study = simulate_study({("BnB", 4): bound}, splits, seed, layers=(4,), between_splits=0.003)
            found = estimate(relative_accuracies(study, "top1"), {("BnB", (4,)): 1.0})
            confirmed.setdefault(name, []).append(rule.verdict(found) == CONFIRMED)
    return {name: np.mean(shares) for name, shares in confirmed.items()}


def printed(table: pd.DataFrame, nominal: float, studies: int) -> None:
    """Print shares of studies, and their sampling error."""
    print(table.round(3).to_string())
    error = stats.norm.ppf(0.975) * np.sqrt(nominal * (1 - nominal) / studies)
    print(f"\nnominal {nominal:.2f}; {studies} studies, each share +- {error:.3f}\n")


if __name__ == "__main__":
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    numbers = (2, 4, 8)
    printed(pd.DataFrame({f"{splits} splits": coverage(splits, studies) for splits in numbers}), 1 - 2 * ALPHA, studies)
    print(
        "estimated variances over true ones",
        pd.DataFrame({f"{s} splits": variances(s, studies) for s in numbers}).round(2),
        sep="\n",
    )
    print(f"ratios +- {1.96 * np.sqrt(2 / studies):.2f}\n")
    margins = {f"{splits} splits": at_the_margin(splits, studies) for splits in numbers}
    printed(pd.DataFrame(margins), ALPHA, studies)
    slopes = {f"{100 * true:g} points per 0.1": growth(true, studies) for true in GROWTHS}
    printed(pd.DataFrame(slopes), 1 - 2 * ALPHA, studies)
    for images in (PICTURES, ILSVRC):
        power = power_table(decision_rates(study_effects(default_config()), typical_spread(images), studies))
        print(f"shares decided, {images} images\n{power.drop(columns='conclusion').to_string(index=False)}\n")
