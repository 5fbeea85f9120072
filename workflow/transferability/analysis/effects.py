"""How much accuracy is lost or won against the base network of the same target half, and how sure that is.

Two errors are added. Networks of one split share base networks and data, so the split is the unit that repeats: the
standard error is clustered by split, with t quantiles of (splits - 1) degrees of freedom. On a balanced grid this is
the t test of the splits' means, and that is what a mixed model with random splits amounts to. A bootstrap over splits
was tried and covers far less than its level with the two to eight splits of a study (benchmarks/coverage.py). Splits
may coincide, as accuracies count whole images: the error is never taken to be less than half an image gives.
Second, all splits are tested on the same validation images, which repeating splits does not average out. What the
last tests had right of each class shows how large that is: the variance clustered by class, less its part within
splits, which the first error has already (two-way clustering, Cameron, Gelbach & Miller 2011). Where that is not known,
as for the paper, it is the binomial error of the difference as if networks erred independently; as they err on the same
images, that is an upper bound. So it is where a given network is copied from: all splits have all classes there, which
may be two, and are what is asked about, not a sample of others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from transferability.analysis.relative import CONTROL, relative_accuracies
from transferability.results.accuracies import BY_CLASS
from transferability.study.network import GIVEN

ALPHA = 0.05  # error on each side of an interval, and of each verdict
MEASURED = ("split", "target", "accuracy", "base", "relative", "val_images", BY_CLASS)  # what estimates rest on

# A contrast: weights of groups of networks, a group being a treatment in the paper's notation and some n.
Contrast = Mapping[tuple[str, tuple[int, ...]], float]

EFFECTS = {
    "co-adaptation loss": ("base - BnB", {"BnB": -1}),
    "specificity loss": ("BnB - AnB", {"BnB": 1, "AnB": -1}),
    "transfer loss": ("base - AnB", {"AnB": -1}),
    "selffer boost": ("BnB+ - base", {"BnB+": 1}),
    "boost over base": ("AnB+ - base", {"AnB+": 1}),
    "boost over selffer": ("AnB+ - BnB+", {"AnB+": 1, "BnB+": -1}),
    "longer training": ("control - base", {CONTROL: 1}),
    "selffer boost beyond longer training": ("BnB+ - control", {"BnB+": 1, CONTROL: -1}),
    "boost beyond longer training": ("AnB+ - control", {"AnB+": 1, CONTROL: -1}),
}


@dataclass(frozen=True)
class Estimate:
    """A difference of accuracies (shares, not points) with its two standard errors.

    `se_splits` is NaN where there are no two splits to compare; `degrees` are its degrees of freedom. `value` is NaN
    where networks that it needs are not in the study.
    """

    value: float
    se_splits: float = np.nan
    se_images: float = np.nan
    degrees: int = 0
    networks: int = 0

    def interval(self, alpha: float = ALPHA) -> tuple[float, float]:
        """Return the two-sided interval at level 1 - 2 alpha; (NaN, NaN) if the error between splits is not known."""
        if not self.degrees:
            return np.nan, np.nan
        splits = stdtrit(self.degrees, 1 - alpha) * self.se_splits
        half = np.hypot(splits, ndtri(1 - alpha) * self.se_images)
        return self.value - half, self.value + half


def estimate(relative: pd.DataFrame, contrast: Contrast) -> Estimate:
    """Estimate the weighted sum of groups' mean relative accuracies, with errors as the module says."""
    treatments, numbers = relative["treatment"].to_numpy(), relative["n"].to_numpy()
    rows = [np.flatnonzero((treatments == treatment) & np.isin(numbers, layers)) for treatment, layers in contrast]
    wanted = [set(layers) for _, layers in contrast]
    if not all(wanted) or any(set(numbers[found]) < layers for found, layers in zip(rows, wanted, strict=True)):
        return Estimate(np.nan)
    networks = measured(relative, np.concatenate(rows))
    group = np.repeat(np.arange(len(rows)), list(map(len, rows)))
    weights = np.array(list(contrast.values()), dtype=float)
    value = float(weights @ _means(group, networks["relative"]))
    degrees = min(len(set(networks["split"][group == number])) for number in range(len(rows))) - 1
    se_splits = _clustered_error(networks, group, weights) if degrees else np.nan
    return Estimate(value, se_splits, image_error(networks, group, weights), degrees, len(group))


def measured(relative: pd.DataFrame, rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return those of the columns MEASURED that a table of relative accuracies has, at these rows, as arrays.

    To compute with arrays is several times as quick as with pieces of the table.
    """
    return {column: relative[column].to_numpy()[rows] for column in MEASURED if column in relative}


def image_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Return the standard error of the weighted sum of groups' means from testing on finitely many images.

    `networks` are `measured` columns, `group` says which of the `weights` is each row's. The error is that of classes
    and images as far as splits share them, or where that is not known, or classes are no sample of more, as where a
    given network is copied from, the binomial error.
    """
    given = any(split.startswith(GIVEN) for split in set(networks["split"]))
    if BY_CLASS in networks and pd.notna(networks[BY_CLASS]).all() and not given:
        return _class_error(networks, _shares(group, weights))
    return _binomial_error(networks, group, weights)


def _means(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(group, values) / np.bincount(group)


def _shares(group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What each network weighs in the weighted sum of groups' means."""
    return (weights / np.bincount(group))[group]


def _clustered_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Standard error clustered by split: that of the sum over splits of what their networks add to the estimate."""
    relative = networks["relative"]
    left = relative - _means(group, relative)[group]
    added = np.bincount(pd.factorize(networks["split"])[0], _shares(group, weights) * left)
    splits = len(added)
    half_an_image = np.abs(weights).max() * 0.5 / networks["val_images"].min()
    return float(np.sqrt(max(half_an_image**2 / splits, splits / (splits - 1) * (added**2).sum())))


def _class_error(networks: Mapping[str, np.ndarray], shares: np.ndarray) -> float:
    """Standard error from testing on finitely many classes and images, as far as splits share it (one: all of it)."""
    residuals = list(networks[BY_CLASS])
    sizes = [len(residual) for residual in residuals]
    split, splits = pd.factorize(networks["split"])
    wnid, wnids = pd.factorize(np.concatenate([residual.index for residual in residuals]))
    cells = np.repeat(split, sizes) * len(wnids) + wnid
    sums = np.bincount(cells, np.repeat(shares, sizes) * np.concatenate(residuals), len(splits) * len(wnids))
    influence = sums.reshape(len(splits), len(wnids))
    shared = (influence.sum(axis=0) ** 2).sum()
    if len(splits) > 1:  # of all pairs of splits, those of a split with itself are left out: their share is 1 / splits
        shared = (shared - (influence**2).sum()) * len(splits) / (len(splits) - 1)
    return float(np.sqrt(max(0, shared)))


def _binomial_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Standard error from testing on finitely many images: each image is one trial, however many networks see it."""
    target, targets = pd.factorize(networks["target"])
    most = np.zeros((len(weights), len(targets)))
    np.fmax.at(most, (group, target), networks["val_images"])
    images = most.sum(axis=1)
    shares = networks["accuracy"], networks["base"]
    variances, base = (_means(group, share * (1 - share)) for share in shares)
    return float(np.sqrt((weights**2 * variances / images).sum() + weights.sum() ** 2 * base.mean() / images.min()))


COLUMNS = ["split", "n", "effect", "difference", "value", "low", "high", "se_splits", "se_images", "networks"]

SUMMARY_TEXT = """Means over the random splits and over all n that have the effect. The control for longer training is
the network of which all layers are copied and trained again (B8B+)."""
TEXT = """Differences of top-1 accuracy, paired by split and target half. Split "random" is the mean over the random
splits, with its 90 % interval: the error between splits (t, splits - 1 degrees of freedom) and that of the validation
images, which all splits share, added. One split alone has no interval."""


def effects_table(accuracies: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return every effect per n, split by split and over all random splits (split "random").

    A difference of which networks are missing is left out. Columns: split, n, effect, difference, value, low, high
    (interval at 1 - 2 ALPHA; empty where one split stands alone), se_splits, se_images, networks. Values are shares.
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
    """Return every effect over all random splits, as the mean over all n that have it: columns as `effects_table`'s.

    Column n says which these are: "1-7".
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
    """Say which n these are, ascending: "1-7" where none is left out, else "1, 4, 7"."""
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
    """The n of the control; 0, which no network has, where there is none."""
    return tuple(relative.loc[relative["treatment"] == CONTROL, "n"].unique()) or (0,)


def _preserving(relative: pd.DataFrame) -> dict:
    """What preserving m further layers wins over reinitialising them, for each m that there is."""
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
