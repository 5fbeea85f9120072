"""Simulated studies with known effects, to check the error rates of intervals and verdicts."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtri

from transferability.analysis.distance import STEP, losses
from transferability.analysis.relative import relative_accuracies
from transferability.results.accuracies import BY_CLASS, COLUMNS
from transferability.study.network import HALVES, Network

LAYERS = range(1, 8)
DISTANCES = {f"random-{k}": 0.555 + 0.0001 * k for k in range(4)} | {  # similar to ILSVRC-2012's 1000 classes
    **{"mixed-25-0": 0.586, "mixed-25-1": 0.587, "mixed-10-0": 0.630, "mixed-10-1": 0.628},
    "manmade-natural": 0.663,
}
CORRELATION = 0.6  # between the scores of two networks on an image: the share of the image's own difficulty


def simulate_study(
    effects: Mapping[tuple[str, int], float],
    splits: int,
    seed: int,
    images: int = 1000,
    between_splits: float = 0.01,
    between_networks: float = 0.005,
    layers: Iterable[int] = LAYERS,
) -> pd.DataFrame:
    """Return a table of accuracies (`accuracies.COLUMNS`) of a balanced study on random splits.

    `effects` maps (treatment, n), with a treatment BnB, BnB+, AnB or AnB+, to its accuracy minus that of base; missing
    entries are 0. Random deviations are added to each treatment of a split (standard deviation `between_splits`), to
    one half of a split and subtracted from the other (0.01), and to each network (`between_networks`). All splits are
    tested on the same `images`, half of them in each half; networks tend to err on the same images.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.standard_normal(images)
    rows = []
    for k in range(splits):
        halves = map(pd.Index, np.array_split(rng.permutation(images), 2))
        ease = rng.normal(0, 0.01)
        deviations = {treatment: rng.normal(0, between_splits) for treatment in ("BnB", "BnB+", "AnB", "AnB+")}
        for half, members, sign in zip(HALVES, halves, (1, -1), strict=True):
            other = "B" if half == "A" else "A"
            networks = [(Network(f"random-{k}", half, half), 0.0)]
            for treatment, deviation in deviations.items():
                source = half if treatment.startswith("B") else other
                networks += [
                    (
                        Network(f"random-{k}", source, half, n, treatment.endswith("+")),
                        effects.get((treatment, n), 0.0) + deviation,
                    )
                    for n in layers
                ]
            for network, effect in networks:
                p = 0.6 + sign * ease + effect + rng.normal(0, between_networks)
                rows.append(_tested(network, p, difficulty, members, rng))
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS, BY_CLASS])


def simulate_distances(
    growth: float,
    seed: int,
    distances: Mapping[str, float] = DISTANCES,
    images: int = 1000,
    between_splits: float = 0.01,
    between_networks: float = 0.005,
    layers: Iterable[int] = LAYERS,
) -> pd.DataFrame:
    """Return transfer losses (`distance.losses`) of networks AnB on splits with the given distances of their halves.

    AnB loses 0.05 on a split of distance 0.5, and `growth` more per 0.1 of distance. Deviations and images are as in
    `simulate_study`.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.standard_normal(images)
    rows = []
    for split, distance in distances.items():
        halves = map(pd.Index, np.array_split(rng.permutation(images), 2))
        loss = 0.05 + growth * (distance - 0.5) / STEP + rng.normal(0, between_splits)
        for half, members in zip(HALVES, halves, strict=True):
            other = "B" if half == "A" else "A"
            networks = [Network(split, half, half), *(Network(split, other, half, n) for n in layers)]
            for network in networks:
                p = 0.6 - (loss if network.n else 0) + rng.normal(0, between_networks)
                rows.append(_tested(network, p, difficulty, members, rng))
    accuracies = pd.DataFrame(rows).reindex(columns=[*COLUMNS, BY_CLASS])
    known = pd.DataFrame({"split": distances.keys(), "wu_palmer": distances.values()})
    return losses(relative_accuracies(accuracies, "top1"), known)


def _tested(network: Network, p: float, difficulty: np.ndarray, members: pd.Index, rng: np.random.Generator) -> dict:
    """The row of a network with expected accuracy `p`, tested on the images `members`, each of which is a class."""
    luck = rng.standard_normal(len(members))
    score = np.sqrt(CORRELATION) * difficulty[members] + np.sqrt(1 - CORRELATION) * luck
    right = score < ndtri(p)
    residual = pd.Series((right - right.mean()) / len(members), index=members)
    return _row(network, right.mean(), len(members)) | {BY_CLASS: residual}


def _row(network: Network, top1: float, val_images: int) -> dict:
    fields = ("split", "source", "target", "n", "fine_tuned", "preserved", "treatment")
    row = {field: getattr(network, field) for field in fields} | {"control": False}
    return row | {"network": network.name, "classes": 500, "val_images": val_images, "top1": top1, "top1_best10": top1}
