"""The advice of a study: whether to copy layers, how many, and whether to freeze or fine-tune them, by stated rules.

A source of features is a group of splits whose names differ only in their trailing number (random-0, random-1); each
split is a repeat of the source. All differences are estimated by `effects.estimate`, paired by split and target half.
As in claims, a difference of less than MARGIN counts as equal. On random splits each answer has an error of at most
ALPHA, whatever the number of layers, as simulations show (benchmarks/coverage.py). Repeats of a given network differ
only in their random numbers, so their intervals do not include the error of drawing other training images.

- Does copying pay? "Yes" needs one of several intervals above MARGIN: the interval of fine-tuned networks, mean over
  all n (if the mean gains, so does the best n), at ALPHA / 2, or that of one n, frozen or fine-tuned, at ALPHA / 2
  divided by their number (Bonferroni). "No" needs every n below MARGIN, each at ALPHA (an intersection-union test).
- How many to freeze? Each n is tested for losing less than MARGIN, in two ways that share ALPHA: in a fixed order, from
  the smallest n upward, each at ALPHA / 2, up to the first that fails (this keeps the error of the sequence, Maurer,
  Hothorn & Lehmacher 1995, as the first n that loses is tested once); and every n at ALPHA / 2 divided by their number
  (Bonferroni), for features with a gain at a large n that no test shows at a small one. "None" needs the smallest n to
  lose more than MARGIN, at ALPHA.
- How many to fine-tune? An n is ruled out if the best lies more than MARGIN above it, at level ALPHA / (number of
  n - 1): the n that is truly best is ruled out with probability at most ALPHA (subset selection, Gupta 1965; Hsu's
  comparison with the best, 1984, with Bonferroni's bound). The remaining n are the answer.
- Freeze or fine-tune? "Fine-tune" needs the best fine-tuned n to win more than MARGIN over every frozen n; "freeze"
  needs the best frozen n to lose less than MARGIN against every fine-tuned n (intersection-union tests). Both are at
  level ALPHA / (number of n), as the best n is chosen from the data.
- How many of all copied layers to freeze (An~B)? The largest n, which is the cheapest to train, whose mean lies within
  MARGIN of the best mean. What it may lose against any other n: the highest upper bound, at ALPHA / (number of n - 1).
- More than longer training? "Yes" needs AnB+, mean over all n, to win more than MARGIN over the control; "no" needs it
  to win less than MARGIN.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

import numpy as np
import pandas as pd

from transferability.analysis.claim_parts import MARGIN, NOT_DECIDED
from transferability.analysis.effects import ALPHA, Estimate, estimate
from transferability.analysis.relative import CONTROL
from transferability.study.network import ALL_COPIED

FROZEN, TUNED = "AnB", "AnB+"
TREATMENTS = (FROZEN, TUNED, "BnB", "BnB+", ALL_COPIED)
COPIES = (FROZEN, TUNED, ALL_COPIED)
YES, NO, NONE, FREEZE, TUNE = "yes", "no", "none", "freeze", "fine-tune"

Cells = Mapping[int, Estimate]  # n -> difference of a treatment from training from scratch


@dataclass(frozen=True)
class Answer:
    """An answer, or NOT_DECIDED, with the difference that it rests on: its treatments, their n, and its estimate.

    With several n the difference is the mean over them. `left` are the n that are not ruled out, in ascending order.
    """

    answer: str
    treatments: tuple[str, ...] = ()
    n: tuple[int, ...] = ()
    found: Estimate = field(default_factory=lambda: Estimate(np.nan))
    left: tuple[int, ...] = ()


@dataclass(frozen=True)
class Advice:
    """The answers for one source of features: see the module. `beyond_training` compares AnB+ with longer training.

    `all_copied` has as `found` what the n that it names may lose against the n that may be furthest above it.
    """

    all_copied: Answer
    pays: Answer
    freezable: Answer
    best_tuned: Answer
    freeze_or_tune: Answer
    beyond_training: Answer


def sources(relative: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Group relative accuracies (`relative_accuracies`) by source of features; leave out sources without transfer."""
    rows = relative[relative["treatment"].isin([*TREATMENTS, CONTROL])]
    groups = rows.groupby(rows["split"].str.replace(r"-\d+$", "", regex=True), sort=False)
    return {name: group for name, group in groups if group["treatment"].isin(COPIES).any()}


def cells(source: pd.DataFrame, treatment: str) -> Cells:
    """Estimate the difference of a treatment from training from scratch at each n, in ascending order."""
    return {n: estimate(source, {(treatment, (n,)): 1.0}) for n in _numbers(source, treatment)}


def advise(source: pd.DataFrame) -> Advice:
    """Answer every question for one source of features."""
    frozen, tuned = cells(source, FROZEN), cells(source, TUNED)
    return Advice(
        all_copied=_all_copied(source),
        pays=_pays(source, frozen, tuned),
        freezable=_freezable(frozen),
        best_tuned=_best_tuned(source, tuned),
        freeze_or_tune=_freeze_or_tune(source, frozen, tuned),
        beyond_training=_beyond_training(source),
    )


def with_all_copied(relative: pd.DataFrame, layers: int) -> pd.DataFrame:
    """Add rows of the treatment An~B, where n is the number of frozen layers, for networks of so many layers.

    They are those of An~mB with n + m = layers - 1 and, where there are such, of AnB and AnB+ with all layers copied.
    These stay AnB and AnB+ only in a study that has them at other n, too.
    """
    found = relative["treatment"].str.extract(r"^An~(\d+)B$")[0]
    between = relative[(found.astype(float) + relative["n"]) == layers - 1].assign(treatment=ALL_COPIED)
    if between.empty:
        return relative
    whole = relative[(relative["n"] == layers - 1) & relative["split"].isin(between["split"])]
    ends = [whole[whole["treatment"] == FROZEN], whole[whole["treatment"] == TUNED].assign(n=0)]
    alone = [one for one in (FROZEN, TUNED) if _numbers(relative, one) == (layers - 1,)]
    others = relative[~relative["treatment"].isin(alone)]
    return pd.concat([others, between, *(end.assign(treatment=ALL_COPIED) for end in ends)], ignore_index=True)


def best(of: Cells) -> int:
    """Return the n with the highest accuracy."""
    return max(of, key=lambda n: of[n].value)


def _all_copied(source: pd.DataFrame) -> Answer:
    means = cells(source, ALL_COPIED)
    if not means:
        return Answer(NOT_DECIDED)
    highest = means[best(means)].value
    n = max(number for number, found in means.items() if found.value >= highest - MARGIN)
    others = [number for number in means if number != n]
    behind = [estimate(source, {(ALL_COPIED, (one,)): 1.0, (ALL_COPIED, (n,)): -1.0}) for one in others]
    if not behind:
        return Answer(str(n), (ALL_COPIED,), (n,))
    worst = max(behind, key=lambda found: np.nan_to_num(found.interval(ALPHA / len(others))[1], nan=found.value))
    return Answer(str(n), (ALL_COPIED,), (n,), replace(worst, smallest_of=len(others)))


def _pays(source: pd.DataFrame, frozen: Cells, tuned: Cells) -> Answer:
    single = [Answer(YES, (FROZEN,), (n,), found) for n, found in frozen.items()]
    single += [Answer(YES, (TUNED,), (n,), found) for n, found in tuned.items()]
    mean = [Answer(YES, (TUNED,), tuple(tuned), estimate(source, {(TUNED, tuple(tuned)): 1.0}))] if tuned else []
    if not single:
        return Answer(NOT_DECIDED)
    for answers in (mean, single):
        gains = [one for one in answers if one.found.interval(ALPHA / 2 / len(answers))[0] > MARGIN]
        if gains:
            return max(gains, key=lambda one: one.found.value)
    highest = max(single, key=lambda one: one.found.value)
    nothing = all(one.found.interval()[1] < MARGIN for one in single)
    return replace(highest, answer=NO if nothing else NOT_DECIDED)


def _freezable(frozen: Cells) -> Answer:
    """The largest n at which frozen features lose less than MARGIN; "none" if the smallest n already loses more."""
    if not frozen:
        return Answer(NOT_DECIDED)

    def keeps(n: int, alpha: float) -> bool:
        """Return whether frozen features are found to lose less than MARGIN."""
        return frozen[n].interval(alpha)[0] > -MARGIN

    in_order = set(takewhile(lambda n: keeps(n, ALPHA / 2), frozen))
    kept = tuple(n for n in frozen if n in in_order or keeps(n, ALPHA / 2 / len(frozen)))
    n = kept[-1] if kept else min(frozen)
    loses = not kept and frozen[n].interval()[1] < -MARGIN
    return Answer(str(n) if kept else NONE if loses else NOT_DECIDED, (FROZEN,), (n,), frozen[n], kept)


def _best_tuned(source: pd.DataFrame, tuned: Cells) -> Answer:
    """The n that may be the best; not decided if none is ruled out. The difference is that of the best n observed."""
    if not tuned:
        return Answer(NOT_DECIDED)
    top = best(tuned)
    others = [n for n in tuned if n != top]
    behind = [
        n
        for n in others
        if estimate(source, {(TUNED, (top,)): 1.0, (TUNED, (n,)): -1.0}).interval(ALPHA / len(others))[0] > MARGIN
    ]
    left = tuple(n for n in tuned if n not in behind)
    return Answer(", ".join(map(str, left)) if behind else NOT_DECIDED, (TUNED,), (top,), tuned[top], left)


def _freeze_or_tune(source: pd.DataFrame, frozen: Cells, tuned: Cells) -> Answer:
    """Fine-tune if this wins more than MARGIN at its best n; freeze if this loses less than MARGIN at its best n."""
    if not (frozen and tuned):
        return Answer(NOT_DECIDED)
    pair = (best(tuned), best(frozen))
    gain = estimate(source, {(TUNED, pair[:1]): 1.0, (FROZEN, pair[1:]): -1.0})
    answer = NOT_DECIDED
    if _exceeds(source, (TUNED, tuned), (FROZEN, frozen), MARGIN):
        answer = TUNE
    elif _exceeds(source, (FROZEN, frozen), (TUNED, tuned), -MARGIN):
        answer = FREEZE
    return Answer(answer, (TUNED, FROZEN), pair, gain)


def _exceeds(source: pd.DataFrame, one: tuple[str, Cells], other: tuple[str, Cells], bound: float) -> bool:
    """Return whether the best n of `one` lies more than `bound` above every n of `other`."""
    chosen = (one[0], (best(one[1]),))
    differences = (estimate(source, {chosen: 1.0, (other[0], (n,)): -1.0}) for n in other[1])
    return all(found.interval(ALPHA / len(one[1]))[0] > bound for found in differences)


def _beyond_training(source: pd.DataFrame) -> Answer:
    """Return whether fine-tuned copies (mean over n) win more than MARGIN over longer training.

    Longer training is the control or, without one, BnB+.
    """
    tuned, own, control = (_numbers(source, treatment) for treatment in (TUNED, "BnB+", CONTROL))
    if control:
        other, n, other_n = CONTROL, tuned, control
    else:
        n = other_n = tuple(number for number in tuned if number in own)
        other = "BnB+"
    if not n:
        return Answer(NOT_DECIDED)
    found = estimate(source, {(TUNED, n): 1.0, (other, other_n): -1.0})
    low, high = found.interval()
    return Answer(YES if low > MARGIN else NO if high < MARGIN else NOT_DECIDED, (TUNED, other), n, found)


def _numbers(source: pd.DataFrame, treatment: str) -> tuple[int, ...]:
    return tuple(map(int, sorted(source.loc[source["treatment"] == treatment, "n"].unique())))
