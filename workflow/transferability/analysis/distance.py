"""The growth of transfer loss with the semantic distance of the halves.

The unit is the split, as in `effects`: loss and distance are those of a whole split. One line is fitted through the
splits' means by least squares, with t quantiles of (splits - 2) degrees of freedom. On a balanced grid this is
equivalent to a mixed model with a random intercept for each split: its fixed slope and the error of the slope rest on
the same means. Errors clustered by split would need many more splits: with the five to ten of a study they are too
small (Cameron, Gelbach & Miller 2008), in particular for a single split at a far larger distance, whose residual is
always small. The error of images and classes is added to the error between splits (`image_errors`), as other images and
classes would give another slope.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from transferability.analysis.effects import Estimate
from transferability.analysis.image_errors import image_error, measured

DISTANCE = "wu_palmer"  # the measure that verdicts use; docs/statistics.md explains why
STEP = 0.1  # slopes are given per this much of that distance

TEXT = """Growth of the transfer loss (base - AnB) per 0.1 of semantic distance between the halves, at each n and for
the mean over all n: slope of a line through the splits, with its 90 % interval (t, splits - 2 degrees of freedom).
Losses are shares: 0.01 is one point of accuracy. Distances are in distances.csv."""
TOO_FEW = """A slope needs three splits or more, and distances between classes that WordNet contains."""


def losses(relative: pd.DataFrame, distances: pd.DataFrame) -> pd.DataFrame:
    """Return the transfer loss of every network AnB with the distance of its split's halves.

    `relative` is the table of `relative_accuracies`, `distances` that of `split_distances.split_distances`. Columns:
    those of `relative`, loss (base - accuracy), wu_palmer, shortest_path. Splits without a distance are left out.
    """
    table = relative[relative["treatment"] == "AnB"].merge(distances, on="split", how="inner")
    return table.assign(loss=-table["relative"])


def by_split(table: pd.DataFrame, layers: Sequence[int]) -> pd.DataFrame:
    """Return distance and mean loss over `layers` of each split: index split, columns distance, loss; sorted."""
    splits = table[table["n"].isin(layers)].groupby("split")
    means = pd.DataFrame({"distance": splits[DISTANCE].first(), "loss": splits["loss"].mean()})
    return means.sort_values(["distance", "loss"])


def slope(table: pd.DataFrame, layers: Sequence[int]) -> Estimate:
    """Estimate the growth of the mean loss over `layers` per STEP of distance.

    `table` is the table of `losses`. The value is NaN unless there are three splits, with different distances.
    """
    means = by_split(table, layers)
    if len(means) < 3 or np.ptp(means["distance"]) == 0:
        return Estimate(np.nan)
    distance, loss = means["distance"].to_numpy(), means["loss"].to_numpy()
    centred = (distance - distance.mean()) / STEP
    weights = centred / (centred**2).sum()  # of each split's mean loss in the slope
    value = float(weights @ loss)
    left = loss - loss.mean() - value * centred
    se_splits = np.sqrt((left**2).sum() / (len(means) - 2) * (weights**2).sum())
    networks = measured(table, table["n"].isin(layers).to_numpy())
    half_an_image = 0.5 / networks["val_images"].min() * np.sqrt((weights**2).sum())
    se_images = image_error(networks, means.index.get_indexer(networks["split"]), weights)
    return Estimate(value, float(max(se_splits, half_an_image)), se_images, len(means) - 2, len(networks["split"]))


def smallest_step(table: pd.DataFrame, n: int) -> Estimate:
    """Estimate the growth of the loss at one n from one kind of split to the next, for the least certain pair of kinds.

    Splits are of one kind if their names differ only in their trailing number; kinds are sorted by mean distance. The
    variance between splits of a kind is pooled over kinds. The value is NaN with fewer than two kinds, and has no
    interval if no kind has two splits.
    """
    means = by_split(table, [n])
    kinds = means.groupby(means.index.str.replace(r"-\d+$", "", regex=True), sort=False)
    order = list(kinds["distance"].mean().sort_values().index)
    degrees = len(means) - len(order)
    pooled = np.sqrt(((means["loss"] - kinds["loss"].transform("mean")) ** 2).sum() / degrees) if degrees else np.nan
    kind_of = table["split"].str.replace(r"-\d+$", "", regex=True)
    found = []
    for nearer, farther in pairwise(order):
        rows = np.concatenate([np.flatnonzero((table["n"] == n) & (kind_of == kind)) for kind in (nearer, farther)])
        networks, group = measured(table, rows), (kind_of.to_numpy()[rows] == farther).astype(int)
        sizes, losses_of = kinds.size(), kinds["loss"].mean()
        half_an_image = 0.5 / networks["val_images"].min()
        error = max(pooled, half_an_image) * np.sqrt(1 / sizes[nearer] + 1 / sizes[farther]) if degrees else np.nan
        images = image_error(networks, group, np.array([-1.0, 1.0]))
        value = float(losses_of[farther] - losses_of[nearer])
        found.append(Estimate(value, float(error), images, degrees, len(rows), len(order) - 1))
    return min(found, key=lambda one: one.interval()[0] if degrees else one.value, default=Estimate(np.nan))


def distance_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the slope at each n, and for the mean over all n (n = "all"), from the table of `losses`.

    Columns: n, slope (share of accuracy per STEP), low, high (interval at 1 - 2 ALPHA), se_splits, se_images, splits.
    """
    numbers = sorted(table["n"].unique())
    rows = []
    for name, layers in [*((n, [n]) for n in numbers), *([("all", numbers)] if numbers else [])]:
        found = slope(table, layers)
        splits = table.loc[table["n"].isin(layers), "split"].nunique()
        rows.append([name, found.value, *found.interval(), found.se_splits, found.se_images, splits])
    return pd.DataFrame(rows, columns=["n", "slope", "low", "high", "se_splits", "se_images", "splits"])
