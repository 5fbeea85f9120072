"""How often intervals cover the truth, and advice errs, on simulated studies: python benchmarks/coverage.py [studies]

Prints, for studies of 2, 4 and 8 splits, the share of intervals that hold the true transfer loss: ours, and for
comparison a percentile bootstrap over splits and one over splits and halves, all at the same nominal level. Then the
share of studies in which each answer of the advice is wrong, where the truth makes that as easy as it can.
"""

import sys

import numpy as np
import pandas as pd
from scipy import stats

from transferability.analysis.effects import ALPHA, estimate
from transferability.analysis.relative import relative_accuracies
from transferability.analysis.simulation import LAYERS, advice_error_rates, simulate_study

TRUTH = {("AnB", 4): -0.05}
DRAWS = 1000


def bootstrap(points: pd.DataFrame, halves: bool, seed: int) -> tuple[float, float]:
    """Percentile interval of the mean of `relative`, drawing splits with replacement and, if asked, halves in them."""
    rng = np.random.default_rng(seed)
    table = points.pivot_table(index="split", columns="target", values="relative").to_numpy()
    drawn = table[rng.integers(len(table), size=(DRAWS, len(table)))]
    if halves:
        drawn = np.take_along_axis(drawn, rng.integers(2, size=drawn.shape), axis=2)
    return tuple(np.quantile(drawn.mean(axis=(1, 2)), [ALPHA, 1 - ALPHA]))


def coverage(splits: int, studies: int) -> dict[str, float]:
    """Share of intervals that hold the truth, by method."""
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


def printed(table: pd.DataFrame, nominal: float, studies: int) -> None:
    """Print shares of studies, and how far they may lie from the truth."""
    print(table.round(3).to_string())
    error = stats.norm.ppf(0.975) * np.sqrt(nominal * (1 - nominal) / studies)
    print(f"\nnominal {nominal:.2f}; {studies} studies, each share +- {error:.3f}\n")


if __name__ == "__main__":
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    numbers = (2, 4, 8)
    printed(pd.DataFrame({f"{splits} splits": coverage(splits, studies) for splits in numbers}), 1 - 2 * ALPHA, studies)
    rates = {f"{splits} splits": advice_error_rates(splits, studies, tuple(LAYERS)) for splits in numbers}
    printed(pd.DataFrame(rates), ALPHA, studies)
