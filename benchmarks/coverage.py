"""How often intervals cover the truth, on simulated studies: python benchmarks/coverage.py [studies]

Prints, for studies of 2, 4 and 8 splits, the share of intervals that hold the true transfer loss: ours, and for
comparison a percentile bootstrap over splits and one over splits and halves, all at the same nominal level.
"""

import sys

import numpy as np
import pandas as pd
from scipy import stats

from transferability.analysis.effects import ALPHA, estimate
from transferability.analysis.relative import relative_accuracies
from transferability.analysis.simulation import simulate_study

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


if __name__ == "__main__":
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    table = pd.DataFrame({f"{splits} splits": coverage(splits, studies) for splits in (2, 4, 8)})
    print(table.round(3).to_string())
    error = stats.norm.ppf(0.975) * np.sqrt(ALPHA * 2 * (1 - ALPHA * 2) / studies)
    print(f"\nnominal {1 - 2 * ALPHA:.2f}; {studies} studies, each share +- {error:.3f}")
