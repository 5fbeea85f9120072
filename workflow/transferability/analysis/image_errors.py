"""The error of an estimate from testing on finitely many validation images, as far as all splits share it.

The accuracies by class in the last tests show how large it is: the variance clustered by class, less its part within
splits, which the error between splits already includes (two-way clustering, Cameron, Gelbach & Miller 2011).

If accuracies by class are not known, as for the paper, the variance is taken as a share of the binomial variance of the
difference, that of networks which err independently. Networks err on the same images, so the share is small. Studies
with known accuracies by class show how small: at most .17 for networks that are near their base, for which SHARED is
used. Where frozen layers of the other half lose much, they lose it on the same classes in all splits: the share is up
to 1, and 1 is used (`measured_share`).

The share is also 1 for copies of a given network. All its splits have all classes, of which there may be only two, and
the question is about these classes, not about a sample of others. Its networks differ much from those trained from
scratch.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from transferability.results.accuracies import BY_CLASS
from transferability.study.network import GIVEN

IMAGE_SHARE = "image_share"  # column: share of independent errors' variance to use without accuracies by class
SHARED = 0.25
INDEPENDENT = 1.0
MEASURED = ("split", "target", "accuracy", "base", "relative", "val_images", IMAGE_SHARE, BY_CLASS)


def image_shares(relative: pd.DataFrame) -> pd.Series:
    """Return the column IMAGE_SHARE for a table with the columns split and treatment: INDEPENDENT or SHARED."""
    elsewhere = relative["treatment"].str.fullmatch(r"An(~\d*)?B|random") | relative["split"].str.startswith(GIVEN)
    return pd.Series(np.where(elsewhere, INDEPENDENT, SHARED), index=relative.index)


def measured(relative: pd.DataFrame, rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return the columns MEASURED that a table of relative accuracies has, at these rows, as arrays.

    Computing with arrays is several times as fast as with parts of the table.
    """
    return {column: relative[column].to_numpy()[rows] for column in MEASURED if column in relative}


def means(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of each group's values; `group` holds the number of each value's group."""
    return np.bincount(group, values) / np.bincount(group)


def weights_of_networks(group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weight of each network in the weighted sum of groups' means."""
    return (weights / np.bincount(group))[group]


def outcomes_known(relative: pd.DataFrame) -> bool:
    """Return whether every network's outcomes by class are known."""
    return BY_CLASS in relative and bool(relative[BY_CLASS].notna().all())


def image_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Return the standard error of the weighted sum of groups' means from testing on finitely many images.

    `networks` are the columns of `measured`; `group` holds the index into `weights` of each row's group.
    """
    given = any(split.startswith(GIVEN) for split in set(networks["split"]))
    if BY_CLASS in networks and pd.notna(networks[BY_CLASS]).all() and not given:
        return float(np.sqrt(max(0.0, _variance_by_class(networks, weights_of_networks(group, weights)).sum())))
    share = networks[IMAGE_SHARE] if len(set(networks["split"])) > 1 else np.ones(len(group))
    return float(np.sqrt(_binomial_variance(networks, group, weights, share)))


def measured_share(relative: pd.DataFrame, treatment: str) -> tuple[float, float]:
    """Return the share of independent errors' variance that is common to a study's splits, and its standard error.

    It is measured on the difference of a treatment from base, in a study with known accuracies by class: the variance
    clustered by class divided by the binomial variance, both summed over all n. The standard error is that of a sum
    over classes.
    """
    by_class, independent = 0.0, 0.0
    for n in sorted(relative.loc[relative["treatment"] == treatment, "n"].unique()):
        rows = np.flatnonzero((relative["treatment"] == treatment) & (relative["n"] == n))
        networks, one = measured(relative, rows), np.zeros(len(rows), dtype=int)
        by_class = by_class + _variance_by_class(networks, np.full(len(rows), 1 / len(rows)))
        independent += _binomial_variance(networks, one, np.ones(1), np.ones(len(rows)))
    share = by_class / independent
    return float(share.sum()), float(share.std(ddof=1) * np.sqrt(len(share)))


def _variance_by_class(networks: Mapping[str, np.ndarray], shares: np.ndarray) -> np.ndarray:
    """The contribution of each class to the variance that splits share (one split: all of it); the sum may be < 0."""
    residuals = list(networks[BY_CLASS])
    sizes = [len(residual) for residual in residuals]
    split, splits = pd.factorize(networks["split"])
    wnid, wnids = pd.factorize(np.concatenate([residual.index for residual in residuals]))
    cells = np.repeat(split, sizes) * len(wnids) + wnid
    sums = np.bincount(cells, np.repeat(shares, sizes) * np.concatenate(residuals), len(splits) * len(wnids))
    influence = sums.reshape(len(splits), len(wnids))
    if len(splits) == 1:
        return influence[0] ** 2
    # Pairs of a split with itself are left out of all pairs of splits: they are a share of 1 / splits.
    return (influence.sum(axis=0) ** 2 - (influence**2).sum(axis=0)) * len(splits) / (len(splits) - 1)


def _binomial_variance(
    networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray, share: np.ndarray
) -> float:
    """The `share` of the variance of independent errors: each image is one trial, however many networks see it.

    The weight of a half's base networks in an estimate is the sum of the weights of all networks on that half.
    """
    target, targets = pd.factorize(networks["target"])
    most = np.zeros((len(weights), len(targets)))
    np.fmax.at(most, (group, target), networks["val_images"])
    accuracy, base = networks["accuracy"], networks["base"]
    own = (weights**2 * means(group, share * accuracy * (1 - accuracy)) / most.sum(axis=1)).sum()
    left = np.bincount(target, weights_of_networks(group, weights))
    return own + (left**2 / most.max(axis=0)).sum() * (share.max() * base * (1 - base)).mean()
