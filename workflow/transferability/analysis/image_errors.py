"""The error of an estimate from testing on finitely many validation images, as far as all splits share it.

What the last tests had right of each class shows how large it is: the variance clustered by class, less its part within
splits, which the error between splits has already (two-way clustering, Cameron, Gelbach & Miller 2011).

Where that is not known, as for the paper, it is a share of the binomial variance of the difference, as if networks
erred independently. They err on the same images, so the share is small. Studies whose outcomes are known show how
small: at most .17 for networks that lie near their base, so SHARED is taken; where frozen layers of another half lose
much they lose it on some classes, and the share is up to 1, which is taken (`measured_share`, docs/statistics.md).

So it is where a given network is copied from: all its splits have all classes, which may be two, and are what is asked
about, not a sample of others. Its networks differ much from those trained from scratch, so the share is 1.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from transferability.results.accuracies import BY_CLASS
from transferability.study.network import GIVEN

IMAGE_SHARE = "image_share"  # column: of the variance of independent errors, what counts where classes are not known
SHARED = 0.25
INDEPENDENT = 1.0
MEASURED = ("split", "target", "accuracy", "base", "relative", "val_images", IMAGE_SHARE, BY_CLASS)


def image_shares(relative: pd.DataFrame) -> pd.Series:
    """Return the column IMAGE_SHARE for a table with the columns split and treatment: INDEPENDENT or SHARED."""
    elsewhere = relative["treatment"].str.fullmatch(r"An(~\d+)?B|random") | relative["split"].str.startswith(GIVEN)
    return pd.Series(np.where(elsewhere, INDEPENDENT, SHARED), index=relative.index)


def measured(relative: pd.DataFrame, rows: np.ndarray) -> Mapping[str, np.ndarray]:
    """Return those of the columns MEASURED that a table of relative accuracies has, at these rows, as arrays.

    To compute with arrays is several times as quick as with pieces of the table.
    """
    return {column: relative[column].to_numpy()[rows] for column in MEASURED if column in relative}


def means(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of each group's values; `group` numbers the group of each value."""
    return np.bincount(group, values) / np.bincount(group)


def weights_of_networks(group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what each network weighs in the weighted sum of groups' means."""
    return (weights / np.bincount(group))[group]


def outcomes_known(relative: pd.DataFrame) -> bool:
    """Whether every network's outcomes by class are known."""
    return BY_CLASS in relative and bool(relative[BY_CLASS].notna().all())


def image_error(networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray) -> float:
    """Return the standard error of the weighted sum of groups' means from testing on finitely many images.

    `networks` are `measured` columns, `group` says which of the `weights` is each row's.
    """
    given = any(split.startswith(GIVEN) for split in set(networks["split"]))
    if BY_CLASS in networks and pd.notna(networks[BY_CLASS]).all() and not given:
        return float(np.sqrt(max(0.0, _variance_by_class(networks, weights_of_networks(group, weights)).sum())))
    share = networks[IMAGE_SHARE] if len(set(networks["split"])) > 1 else np.ones(len(group))
    return float(np.sqrt(_binomial_variance(networks, group, weights, share)))


def measured_share(relative: pd.DataFrame, treatment: str) -> tuple[float, float]:
    """Return which share of independent errors' variance the splits of a study share, and its standard error.

    That is of the difference of a treatment from base, whose outcomes by class are known: summed over all n, the
    variance clustered by class over the binomial one. The error is that of a sum over classes.
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
    """What each class adds to the variance that splits share (one split: all of it); their sum may be below nothing."""
    residuals = list(networks[BY_CLASS])
    sizes = [len(residual) for residual in residuals]
    split, splits = pd.factorize(networks["split"])
    wnid, wnids = pd.factorize(np.concatenate([residual.index for residual in residuals]))
    cells = np.repeat(split, sizes) * len(wnids) + wnid
    sums = np.bincount(cells, np.repeat(shares, sizes) * np.concatenate(residuals), len(splits) * len(wnids))
    influence = sums.reshape(len(splits), len(wnids))
    if len(splits) == 1:
        return influence[0] ** 2
    # Of all pairs of splits, those of a split with itself are left out: their share is 1 / splits.
    return (influence.sum(axis=0) ** 2 - (influence**2).sum(axis=0)) * len(splits) / (len(splits) - 1)


def _binomial_variance(
    networks: Mapping[str, np.ndarray], group: np.ndarray, weights: np.ndarray, share: np.ndarray
) -> float:
    """So much of the variance of independent errors: each image is one trial, however many networks see it.

    What a half's base networks have in an estimate is what the groups on that half leave of each other.
    """
    target, targets = pd.factorize(networks["target"])
    most = np.zeros((len(weights), len(targets)))
    np.fmax.at(most, (group, target), networks["val_images"])
    accuracy, base = networks["accuracy"], networks["base"]
    own = (weights**2 * means(group, share * accuracy * (1 - accuracy)) / most.sum(axis=1)).sum()
    left = np.bincount(target, weights_of_networks(group, weights))
    return own + (left**2 / most.max(axis=0)).sum() * (share.max() * base * (1 - base)).mean()
