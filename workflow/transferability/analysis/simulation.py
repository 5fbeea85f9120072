"""Simulated studies whose effects are known, to see whether intervals and verdicts keep their promises."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from transferability.results.accuracies import BY_CLASS, COLUMNS
from transferability.study.network import HALVES, Network

LAYERS = range(1, 8)
CORRELATION = 0.6  # between what two networks get right: the share of an image's own difficulty


def simulate_study(
    effects: Mapping[tuple[str, int], float],
    splits: int,
    seed: int,
    images: int = 1000,
    between_splits: float = 0.01,
    between_networks: float = 0.005,
) -> pd.DataFrame:
    """Return a table of accuracies (`accuracies.COLUMNS`) of a balanced study on random splits.

    `effects` gives the accuracy that a treatment (BnB, BnB+, AnB, AnB+) at n has above base, 0 where it says nothing.
    A split adds its own deviation to each treatment, makes one half as much easier as the other harder, and every
    network has its luck (standard deviations `between_splits`, .01 and `between_networks`). All splits are tested on
    the same `images`, half of them in each half; networks tend to err on the same ones.
    """
    rng = np.random.default_rng(seed)
    difficulty = rng.standard_normal(images)
    rows = []
    for k in range(splits):
        halves = np.array_split(rng.permutation(images), 2)
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
                    for n in LAYERS
                ]
            for network, effect in networks:
                p = 0.6 + sign * ease + effect + rng.normal(0, between_networks)
                luck = rng.standard_normal(len(members))
                score = np.sqrt(CORRELATION) * difficulty[members] + np.sqrt(1 - CORRELATION) * luck
                right = pd.Series(score < stats.norm.ppf(p), index=members)  # each image a class of its own
                rows.append(_row(network, right.mean(), len(members)) | {BY_CLASS: (right - right.mean()) / len(right)})
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS, BY_CLASS])


def _row(network: Network, top1: float, val_images: int) -> dict:
    fields = ("split", "source", "target", "n", "fine_tuned", "preserved", "treatment")
    row = {field: getattr(network, field) for field in fields}
    return row | {"network": network.name, "classes": 500, "val_images": val_images, "top1": top1, "top1_best10": top1}
