"""Accuracy lost or won against the base network of the same target half, with its uncertainty.

Two errors are added. First, networks of one split share base networks and data, so the split is the unit of repetition:
the standard error is clustered by split, with t quantiles of (splits - 1) degrees of freedom. On a balanced grid this
is the t test of the splits' means, which is equivalent to a mixed model with random splits. A bootstrap over splits was
tried: with the two to eight splits of a study, it covers far less than its level (benchmarks/coverage.py). Splits may
have equal accuracies, as these count whole images: so the error is at least that of half an image. Second, all splits
are tested on the same validation images, whose error repeated splits do not average out: it is added by `image_errors`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from transferability.analysis.image_errors import image_error, means, measured, weights_of_networks
from transferability.analysis.relative import CONTROL, relative_accuracies

ALPHA = 0.05  # error on each side of an interval, and error of each verdict

# A contrast: weights of groups of networks. A group is a treatment in the paper's notation, and a tuple of n.
Contrast = Mapping[tuple[str, tuple[int, ...]], float]

EFFECTS = {
    "co-adaptation loss": ("base - BnB", {"BnB": -1}),
    "specificity loss": ("BnB - AnB", {"BnB": 1, "AnB": -1}),
    "transfer loss": ("base - AnB", {"AnB": -1}),
    "selffer boost": ("BnB+ - base", {"BnB+": 1}),
    "boost over base": ("AnB+ - base", {"AnB+": 1}),
    "boost over selffer": ("AnB+ - BnB+", {"AnB+": 1, "BnB+": -1}),
    "longer training": ("control - base", {CONTROL: 1}),
    "co-adaptation loss beyond longer training": ("control - BnB", {CONTROL: 1, "BnB": -1}),
    "selffer boost beyond longer training": ("BnB+ - control", {"BnB+": 1, CONTROL: -1}),
    "boost beyond longer training": ("AnB+ - control", {"AnB+": 1, CONTROL: -1}),
}


@dataclass(frozen=True)
class Estimate:
    """A difference of accuracies (shares, not points) with its two standard errors.

    `se_splits` is NaN with fewer than two splits; `degrees` are its degrees of freedom. `value` is NaN if the study
    lacks networks for it. `smallest_of` is the number of estimates from which this one was chosen as the smallest.
    """

    value: float
    se_splits: float = np.nan
    se_images: float = np.nan
    degrees: int = 0
    networks: int = 0
    smallest_of: int = 1

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """Return the two-sided interval at level 1 - 2 alpha; (NaN, NaN) if the error between splits is not known."""
        if not self.degrees:
            return np.nan, np.nan
        splits = stdtrit(self.degrees, 1 - alpha) * self.se_splits
        half = np.hypot(splits, ndtri(1 - alpha) * self.se_images)
        return self.value - half, self.value + half


def estimate(relative: pd.DataFrame, contrast: Contrast) -> Estimate:
    """Estimate the weighted sum of groups' mean relative accuracies, with errors as described in the module."""
    treatments, numbers = relative["treatment"].to_numpy(), relative["n"].to_numpy()
    rows = [np.flatnonzero((treatments == treatment) & np.isin(numbers, layers)) for treatment, layers in contrast]
    wanted = [set(layers) for _, layers in contrast]
    if not all(wanted) or any(set(numbers[found]) < layers for found, layers in zip(rows, wanted, strict=True)):
        return Estimate(np.nan)
    networks = measured(relative, np.concatenate(rows))
    group = np.repeat(np.arange(len(rows)), list(map(len, rows)))
    weights = np.array(list(contrast.values()), dtype=float)
    value = float(weights @ means(group, networks["relative"]))
    degrees = min(len(set(networks["split"][group == number])) for number in range(len(rows))) - 1
    se_splits = _clustered_error(networks, group, weights) if degrees else np.nan
    return Estimate(value, se_splits, image_error(networks, group, weights), degrees, len(group))


def _clustered_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Standard error clustered by split: that of the sum, over splits, of their networks' contributions."""
    relative = networks["relative"]
    left = relative - means(group, relative)[group]
    added = np.bincount(pd.factorize(networks["split"])[0], weights_of_networks(group, weights) * left)
    splits = len(added)
    half_an_image = np.abs(weights).max() * 0.5 / networks["val_images"].min()
    return float(np.sqrt(max(half_an_image**2 / splits, splits / (splits - 1) * (added**2).sum())))


COLUMNS = ["split", "n", "effect", "difference", "value", "low", "high", "se_splits", "se_images", "networks"]

SUMMARY_TEXT = """Means over the random splits and over all n
for which the study has the networks that an effect compares. The control for longer training is
the network whose layers are all copied and trained again (B8B+)."""
TEXT = """Differences of top-1 accuracy, paired by split and target half. Split "random" is the mean over the random
splits, with its 90 % interval, which adds the error between splits (t, splits - 1 degrees of freedom) and that of the
validation images, which all splits share. One split alone has no interval."""


def effects_table(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return every effect per n, split by split and over all random splits (split "random").

    A difference whose networks are missing is left out. Columns: split, n, effect, difference, value, low, high
    (interval at 1 - 2 ALPHA; empty for one split alone), se_splits, se_images, networks. Values are shares.
    """
    relative = relative_accuracies(accuracies, measure)
    randomly = relative["split"].str.startswith("random-")
    tables = {"random": relative[randomly]} | dict(list(relative.groupby("split")))
    rows = []
    for split, table in tables.items():
        for n in sorted(table["n"].unique()):
            for effect, (difference, weights) in (EFFECTS | _preserving(table)).items():
                found = estimate(table, _contrast(table, weights, (n,)))
                if found.networks:
                    rows.append([split, n, effect, difference, *_numbers(found)])
    return pd.DataFrame(rows, columns=COLUMNS)


def effects_summary(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return every effect over all random splits, as the mean over all n that have it: columns of `effects_table`.

    Column n lists these n: "1-7".
    """
    relative = relative_accuracies(accuracies, measure)
    table = relative[relative["split"].str.startswith("random-")]
    rows = []
    for effect, (difference, weights) in (EFFECTS | _preserving(table)).items():
        numbers = [
            set(table.loc[table["treatment"] == treatment, "n"]) for treatment in weights if treatment != CONTROL
        ]
        n = tuple(sorted(set.intersection(*numbers))) if numbers else _control(table)
        found = estimate(table, _contrast(table, weights, n))
        if found.networks:
            rows.append(["random", range_in_words(n), effect, difference, *_numbers(found)])
    return pd.DataFrame(rows, columns=COLUMNS)


def range_in_words(numbers: tuple[int, ...]) -> str:
    """Return ascending numbers as text: "1-7" if none is left out, else "1, 4, 7"."""
    if len(numbers) > 1 and numbers == tuple(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(map(str, numbers))


def _contrast(relative: pd.DataFrame, weights: Mapping[str, float], layers: tuple[int, ...]) -> Contrast:
    """The contrast of treatments at these n; that of the control, which has one n only, is its own."""
    control = _control(relative)
    if set(weights) == {CONTROL} and layers != control:
        return {(CONTROL, layers): 1.0}  # there is none
    return {(treatment, control if treatment == CONTROL else layers): weight for treatment, weight in weights.items()}


def _control(relative: pd.DataFrame) -> tuple[int, ...]:
    """The n of the control; without a control 0, which no network has."""
    return tuple(relative.loc[relative["treatment"] == CONTROL, "n"].unique()) or (0,)


def _preserving(relative: pd.DataFrame) -> dict:
    """The effects of preserving m further layers instead of reinitialising them, for each m in the study."""
    found = sorted({treatment for treatment in relative["treatment"] if "~" in treatment})
    plain = {treatment: f"{treatment[0]}nB" for treatment in found}
    return {
        f"preserving {treatment[3:-1]} in {plain[treatment]}": (
            f"{treatment} - {plain[treatment]}",
            {treatment: 1, plain[treatment]: -1},
        )
        for treatment in found
    }


def _numbers(found: Estimate) -> Iterator[float]:
    yield from (found.value, *found.interval(), found.se_splits, found.se_images, found.networks)
