"""The decision and its certainty agree with formulas by hand, a bootstrap, and simulated truths."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import advice as simulation  # benchmarks/advice.py
from transferability.analysis.decision import (
    ERROR,
    PRIOR_DEGREES,
    Evidence,
    decide,
    half_widths,
    moderated_variances,
    needed,
)
from transferability.analysis.paired_images import independent_variance, shared_variance

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(0, 0.01, (4, 5))


def evidence(means, noise=0.0, cost=None, blocks=5, images=0.0, overlap=0.0) -> Evidence:
    accuracy = np.array(means)[:, None] + noise * np.random.default_rng(1).standard_normal((len(means), blocks))
    accuracy = np.clip(accuracy, 0, 1)
    costs = np.arange(1.0, len(means) + 1) if cost is None else np.array(cost, dtype=float)
    return Evidence(accuracy, costs, images * (1 - np.eye(len(means))), overlap)


@pytest.mark.parametrize(
    ("means", "cost", "advised"),
    [
        ((0.91, 0.915, 0.90, 0.67), (1, 2, 3, 3), 0),  # half a point below the best: as good
        ((0.89, 0.915, 0.911, 0.67), (1, 3, 2, 3), 2),  # the cheapest loses 2.5 points
        ((0.90, 0.91, 0.50), (1, 2, 3), 0),  # a point below the best, to the last bit
        ((0.60, 0.61, 0.90), (1, 2, 3), 2),  # training from scratch is the best
        ((0.91, 0.912, 0.914), (2, 2, 2), 2),  # all cost the same: the best
        ((0.91, 0.91), (2, 2), 0),
    ],
)
def test_the_cheapest_arm_within_a_point_of_the_best_is_advised(means, cost, advised):
    found = decide(evidence(means, cost=cost))
    assert found.advised == advised
    assert np.allclose(found.loss, max(means) - np.array(means))


def test_the_margin_is_what_does_not_matter():
    study = evidence((0.89, 0.91, 0.92, 0.5), noise=0.001)
    assert [decide(replace(study, margin=margin)).advised for margin in (0.001, 0.011, 0.04)] == [2, 1, 0]
    assert decide(replace(study, margin=0.04)).ruled_out.tolist() == [False, False, False, True]
    assert decide(replace(study, margin=0.5)).ruled_out.tolist() == [False] * 4


def test_two_arms_in_folds_have_the_interval_of_nadeau_and_bengio():
    """Bengio & Nadeau 2003: t with K - 1 degrees of freedom, variance s² (1 / K + n_test / n_train)."""
    accuracy, overlap = np.array([[0.8, 0.9, 0.85, 0.8, 0.95], [0.6, 0.65, 0.75, 0.6, 0.7]]), 0.25
    found = decide(Evidence(accuracy, np.array([2.0, 1.0]), np.zeros((2, 2)), overlap))
    difference = accuracy[0] - accuracy[1]
    half = stats.t.ppf(1 - ERROR, 4) * np.sqrt(difference.var(ddof=1) * (1 / 5 + 0.25))
    assert found.bound[1] == pytest.approx(difference.mean() + half)
    assert found.ruled_out.tolist() == [False, difference.mean() - half > 0.01]
    assert found.high[1] - found.low[1] == pytest.approx(2 * half)


def test_variances_are_moderated_as_by_hand():
    """Smyth 2004: (d0 s0² + d s²) / (d0 + d), here with the residual variance of arm + block as prior."""
    accuracy = NOISE * np.array([[1], [1], [2], [5]])
    arms, blocks = accuracy.shape
    design = np.hstack([np.kron(np.eye(arms), np.ones((blocks, 1))), np.kron(np.ones((arms, 1)), np.eye(blocks))])
    squares = np.linalg.lstsq(design, accuracy.ravel(), rcond=None)[0]
    residual = ((accuracy.ravel() - design @ squares) ** 2).sum() / ((arms - 1) * (blocks - 1))
    variance, degrees = moderated_variances(accuracy)
    own = np.var(accuracy[3] - accuracy[0], ddof=1)
    assert variance[3, 0] == pytest.approx((PRIOR_DEGREES * 2 * residual + 4 * own) / (PRIOR_DEGREES + 4))
    assert degrees == PRIOR_DEGREES + 4
    assert moderated_variances(accuracy[:2])[1] == 4, "there is nothing to borrow from"


def test_several_arms_are_compared_with_bonferronis_level():
    found = evidence((0.9, 0.8, 0.7, 0.6), noise=0.01, images=0.0004)
    variance, degrees = moderated_variances(found.accuracy)
    t, z = stats.t.ppf(1 - ERROR / 3, degrees), stats.norm.ppf(1 - ERROR / 3)
    assert half_widths(found)[0, 2] == pytest.approx(np.sqrt(t**2 * variance[0, 2] / 5 + z**2 * 0.0004))


def test_the_order_of_arms_and_blocks_changes_nothing():
    study = Evidence(0.8 + NOISE, np.array([3.0, 1.0, 2.0, 4.0]), 1e-4 * (1 - np.eye(4)))
    arms, blocks = RANDOM.permutation(4), RANDOM.permutation(5)
    other = decide(replace(study, accuracy=study.accuracy[arms][:, blocks], cost=study.cost[arms]))
    found = decide(study)
    assert arms[other.advised] == found.advised
    for name in ("loss", "bound", "low", "high", "ruled_out"):
        assert np.allclose(getattr(other, name), getattr(found, name)[arms]), name


@pytest.mark.parametrize("means", [(0.99, 0.98, 0.02), (1.0, 1.0), (0.5, 0.0)])
def test_intervals_stay_between_0_and_100_percent(means):
    found = decide(evidence(means, noise=0.2, blocks=2))
    assert (found.low >= 0).all() and (found.high <= 1).all()
    assert (found.bound >= 0).all() and (found.bound <= 1).all()


def test_the_advised_arm_is_never_ruled_out_and_one_block_rules_out_nothing():
    found = decide(evidence((0.9, 0.905, 0.6), noise=1e-6))
    assert found.advised == 0 and found.ruled_out.tolist() == [False, False, True]
    alone = decide(evidence((0.9, 0.5), blocks=1))
    assert np.isnan(alone.bound).all() and not alone.ruled_out.any() and alone.advised == 0


def test_what_is_needed_makes_the_bound_a_point():
    study = evidence((0.9, 0.89, 0.6), noise=0.02)
    found = decide(study)
    more = needed(study, found)
    assert more.images == 1 and more.blocks > 5
    error = ERROR / 2
    variance = moderated_variances(study.accuracy)[0][0, 1]
    for blocks, enough in ((more.blocks, True), (more.blocks - 1, False)):
        half = stats.t.ppf(1 - error, PRIOR_DEGREES + blocks - 1) * np.sqrt(variance / blocks)
        assert (half <= 0.01) == enough
    few = replace(study, images=0.02**2 * (1 - np.eye(3)))
    assert needed(few, found).images == pytest.approx(2 * stats.norm.ppf(1 - error) ** 2 * 4)
    folds = replace(study, overlap=0.25)
    assert needed(folds, decide(folds)).images == pytest.approx((half_widths(folds)[0, 1] / 0.01) ** 2)
    sure = evidence((0.9, 0.89, 0.6), noise=1e-5)
    assert needed(sure, decide(sure)) is None


def answers(arms: int = 3, blocks: int = 3, images: int = 400) -> np.ndarray:
    """Right or wrong (arms, blocks, images), with images that are hard for all, and some that suit one arm."""
    score = RANDOM.standard_normal(images) + 0.7 * RANDOM.standard_normal((arms, 1, images))
    return score + 0.5 * RANDOM.standard_normal((arms, blocks, images)) < np.array([1, 1.1, 1.3])[:arms, None, None]


def test_the_paired_error_of_images_is_that_of_a_bootstrap():
    """Different blocks, tested on the same drawn images, vary together by the variance that they share."""
    right = answers()
    drawn = RANDOM.multinomial(400, np.full(400, 1 / 400), 6000) / 400
    differences = drawn @ (right[0].astype(float) - right[1]).T
    covariance = np.cov(differences.T)
    together = covariance[~np.eye(3, dtype=bool)].mean()
    influence = (right - right.mean(axis=2, keepdims=True)) / right.shape[2]
    found = shared_variance(influence)
    assert found[0, 1] == pytest.approx(together, rel=0.1)
    assert np.allclose(np.diag(found), 0) and np.allclose(found, found.T)
    mean = right.mean(axis=(1, 2))
    assert found[0, 1] < 0.7 * independent_variance(mean, 400, np.ones(3))[0, 1], "pairs err on the same images"


def test_independent_errors_have_the_binomial_variance():
    found = independent_variance(np.array([0.9, 0.6]), 100, np.array([0.25, 1.0]))
    assert found[0, 1] == pytest.approx(0.9 * 0.1 / 100 + 0.6 * 0.4 / 100) and found[0, 0] == 0
    right = RANDOM.random((2, 4, 20_000)) < np.array([0.9, 0.6])[:, None, None]
    shared = shared_variance((right - right.mean(axis=2, keepdims=True)) / 20_000)
    assert shared[0, 1] < 0.1 * (0.09 + 0.24) / 20_000, "each network's own luck is in the spread between blocks"


@pytest.mark.parametrize("kind", ["splits", "folds", "repeats"])
@pytest.mark.parametrize("truth", ["flat", "steep"])
def test_in_simulated_studies_bounds_and_rulings_hold_and_little_is_lost(kind, truth):
    """Nominal is 90 %; docs/statistics.md has the table of many studies."""
    found = simulation.rates(kind, simulation.TRUTHS[truth], blocks=5, studies=25).loc[simulation.USED]
    assert found["bounds"] >= 0.87 and found["rulings"] >= 0.87
    assert found["regret"] <= 1
