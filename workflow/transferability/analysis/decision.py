"""The decision between the arms of a study, and how sure it is. Arms are ways to train a network (`arms`).

The decision is the cheapest arm whose mean accuracy lies within a margin (one point) of the best mean seen. It always
names one arm.

The certainty is one family of simultaneous intervals, each arm against the best of all others (Hsu 1984). Each block
(repeat, fold or split) has all arms, so arms are compared within blocks. The variance of each difference of two arms is
shrunk towards the mean variance of all differences, with the weight of PRIOR_DEGREES degrees of freedom: a moderated t
(Smyth 2004). Its prior is fixed: one that is estimated from the few arms of a study did worse in simulations
(benchmarks/advice.py). Folds share training images, so the variance of a mean over K folds is 1 / K + n_test / n_train
times that of one (Nadeau & Bengio 2003). Where blocks share validation images, the error of these is added.

All comparisons with the arm that is truly best hold together with an error of at most ERROR (Bonferroni). If they hold,
no arm loses more than its bound against the best, and the best is not ruled out.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from transferability.analysis.claim_parts import MARGIN

ERROR = 0.1
PRIOR_DEGREES = 2
MOST = 10_000  # blocks: no study has more


@dataclass(frozen=True)
class Evidence:
    """What a study found about its arms.

    `accuracy` (arms, blocks) are shares, `cost` (arms) is in any unit. `images` (arms, arms) is the variance of the
    difference of two arms' means from testing on finitely many images, as far as all blocks share it. `overlap` is
    n_test / n_train if blocks are folds of one image set, else 0. Differences up to `margin` do not matter.
    """

    accuracy: np.ndarray
    cost: np.ndarray
    images: np.ndarray
    overlap: float = 0.0
    margin: float = MARGIN

    @property
    def mean(self) -> np.ndarray:
        """The mean accuracy of each arm."""
        return self.accuracy.mean(axis=1)

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return self.accuracy.shape[1]


@dataclass(frozen=True)
class Decision:
    """The `advised` arm (its index), and for each arm its `loss` and the interval of it. All are shares.

    `loss` is the best mean seen minus the arm's. `bound` is what the arm may lose at most against the best of all
    others. An interval of its accuracy ends at `low` and `high`, if the best of all others is as good as its mean. It
    lies within 0 and 1. All three are NaN for one block alone. An arm is `ruled_out` if it is surely more than the
    margin below the best.
    """

    advised: int
    loss: np.ndarray
    bound: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ruled_out: np.ndarray


def decide(evidence: Evidence) -> Decision:
    """Decide between arms, as described in the module. Of equally cheap arms the one with the highest mean is taken."""
    mean = evidence.mean
    loss = mean.max() - mean
    near = np.flatnonzero(loss <= evidence.margin + 1e-9)  # of means, which are rounded
    advised = int(min(near, key=lambda arm: (evidence.cost[arm], loss[arm], arm)))
    if evidence.blocks < 2 or len(mean) < 2:
        unknown = np.full(len(mean), np.nan)
        return Decision(advised, loss, unknown, unknown, unknown, np.zeros(len(mean), dtype=bool))
    ahead, half = mean[:, None] - mean[None], half_widths(evidence)
    others = ~np.eye(len(mean), dtype=bool)
    best_other = np.where(others, mean[None], -np.inf).max(axis=1)
    lowest = np.where(others, ahead - half, np.inf).min(axis=1)
    highest = np.where(others, ahead + half, np.inf).min(axis=1)
    low = np.maximum(best_other + np.minimum(lowest, 0), 0)
    high = np.clip(best_other + highest, 0, 1)
    return Decision(advised, loss, best_other - low, low, high, highest < -evidence.margin)


def half_widths(evidence: Evidence) -> np.ndarray:
    """Return the half widths (arms, arms) of the intervals of the differences of two arms."""
    variance, degrees = moderated_variances(evidence.accuracy)
    error = ERROR / (len(evidence.accuracy) - 1)
    between = variance * (1 / evidence.blocks + evidence.overlap)
    return np.sqrt(stdtrit(degrees, 1 - error) ** 2 * between + ndtri(1 - error) ** 2 * evidence.images)


def moderated_variances(accuracy: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the variance between blocks of the difference of two arms (arms, arms), and its degrees of freedom.

    It is (d0 s0² + d s²) / (d0 + d), where s² is the variance of this difference, d = blocks - 1, and d0 is
    PRIOR_DEGREES. s0² is the mean of s² over all pairs of arms: twice the residual variance of accuracy = arm + block.
    The degrees d0 + d are at most those of this residual variance.
    """
    arms, blocks = accuracy.shape
    degrees = blocks - 1
    own = (accuracy[:, None] - accuracy[None]).var(axis=2, ddof=1)
    pooled = own.sum() / (arms * (arms - 1))
    shrunk = (PRIOR_DEGREES * pooled + degrees * own) / (PRIOR_DEGREES + degrees)
    return shrunk, min(PRIOR_DEGREES + degrees, (arms - 1) * degrees)


@dataclass(frozen=True)
class Needed:
    """What a study needs for a bound no more than the margin above the loss seen: blocks, and times as many images."""

    blocks: int
    images: float


def needed(evidence: Evidence, decision: Decision) -> Needed | None:
    """Return what would decide what is open about the advised arm; None for one block, or if nothing is open.

    It is computed from the variances of the difference that its bound rests on, as if they stayed the same. More folds
    of the same images decide little, so for folds only the number of images grows.
    """
    if np.isnan(decision.bound[decision.advised]):
        return None
    mean, half = evidence.mean, half_widths(evidence)
    ahead = np.where(np.arange(len(mean)) == decision.advised, -np.inf, mean + half[decision.advised])
    rival = int(ahead.argmax())
    width = half[decision.advised, rival]
    margin = evidence.margin
    if width <= margin:
        return None
    if evidence.overlap:
        return Needed(evidence.blocks, (width / margin) ** 2)
    error = ERROR / (len(mean) - 1)
    images = ndtri(1 - error) ** 2 * evidence.images[decision.advised, rival]
    variance = moderated_variances(evidence.accuracy)[0][decision.advised, rival]
    times = max(1.0, 2 * images / margin**2)  # half of the width for the images, the rest for the blocks
    blocks = np.arange(2, MOST)
    degrees = np.minimum(PRIOR_DEGREES + blocks - 1, (len(mean) - 1) * (blocks - 1))
    between = stdtrit(degrees, 1 - error) ** 2 * variance / blocks
    enough = blocks[between + images / times <= margin**2]
    return Needed(max(evidence.blocks, int(enough[0]) if len(enough) else MOST), times)
