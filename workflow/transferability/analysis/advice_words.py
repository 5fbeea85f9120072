"""Advice in words: what to do in some sentences, and differences, intervals and layers as the page spells them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from transferability.analysis.advice import (
    FREEZE,
    FROZEN,
    NO,
    NONE,
    TUNE,
    TUNED,
    YES,
    Advice,
    Answer,
    cells,
)
from transferability.analysis.claim_parts import NOT_DECIDED
from transferability.analysis.effects import ALPHA, Estimate
from transferability.study.network import ALL_COPIED

CALLED = {
    ALL_COPIED: "all copied, n frozen",
    FROZEN: "frozen",
    TUNED: "fine-tuned",
    "BnB": "own frozen",
    "BnB+": "own fine-tuned",
}
WIDE = 20  # points: wider intervals are shown by their half width, as -67.3 to +70.1 is hard to read


def words(advice: Advice, layers: Sequence[str], relative: pd.DataFrame) -> str:
    """Say in some sentences what to do; `relative` are the rows of the source."""
    sentences = [_keep_all(advice, layers, relative)] if advice.all_copied.n else []
    if advice.pays.n:
        sentences += [sentence(advice, layers) for sentence in (_whether, _how_many_frozen, _how_many_tuned)]
    return " ".join(sentences)


def _keep_all(advice: Advice, layers: Sequence[str], relative: pd.DataFrame) -> str:
    """What to do with all layers but the classifier copied: how many to freeze, and what that may lose."""
    (n,), last, loss = advice.all_copied.n, len(layers) - 1, advice.all_copied.found
    rows = relative[(relative["treatment"] == ALL_COPIED) & (relative["n"] == n)]
    how = {0: "fine-tune everything", last: "train only the new classifier"}.get(n, f"freeze the first {n} of {last}")
    name = f" (up to {layers[n - 1]})" if 0 < n < last else ""
    gain = points(cells(relative, ALL_COPIED)[n])
    said = (
        f"Copy all layers and {how}{name}: {100 * rows['accuracy'].mean():.1f} %, against "
        f"{100 * rows['base'].mean():.1f} % from scratch ({gain} points). "
        "No other number of frozen layers that was tried is more than a point better"
    )
    high = loss.interval(ALPHA / max(1, loss.smallest_of))[1]
    return f"{said}." if np.isnan(high) else f"{said}; against the best, it may lose {100 * max(0, high):.1f} points."


def _whether(advice: Advice, layers: Sequence[str]) -> str:
    pays = advice.pays
    seen = f"{points(pays.found)} points {CALLED[pays.treatments[0]]}, {_at(pays.n, layers)}"
    if pays.answer == NO:
        return f"Train from scratch: at no n do copied layers gain a point (best seen: {seen})."
    if pays.answer == NOT_DECIDED:
        return f"Whether copying layers beats training from scratch is not decided{_why(pays)} (best seen: {seen})."
    more = {
        YES: "; it is more than longer training alone gives",
        NO: "; longer training alone gives as much within a point, or more",
        NOT_DECIDED: "; whether it is more than longer training alone gives is not decided",
    }[advice.beyond_training.answer]
    return f"Copy layers: that beats training from scratch ({seen}){more if advice.beyond_training.n else ''}."


def _how_many_frozen(advice: Advice, layers: Sequence[str]) -> str:
    answer = advice.freezable
    if not answer.n:
        return "This study has no networks with frozen copies."
    seen = f"{points(answer.found)} points"
    if answer.answer == NONE:
        return f"Keep no copied layers frozen: already {_at(answer.n, layers)} loses more than a point ({seen})."
    if answer.answer == NOT_DECIDED:
        return f"How many copied layers can stay frozen is not decided{_why(answer)} ({_at(answer.n, layers)}: {seen})."
    largest = f"The largest n that can stay frozen is {_at(answer.n, layers)}"
    return f"{largest}: no loss against training from scratch ({seen})."


def _how_many_tuned(advice: Advice, layers: Sequence[str]) -> str:
    answer = advice.best_tuned
    if not answer.n:
        return "This study has no networks with fine-tuned copies."
    rather = {
        TUNE: "Fine-tune rather than freeze",
        FREEZE: "Freeze rather than fine-tune, which gains less than a point",
        NOT_DECIDED: "Whether to freeze or to fine-tune is not decided",
    }[advice.freeze_or_tune.answer]
    others = [n for n in answer.left if n not in answer.n]
    if answer.answer != NOT_DECIDED:
        rest = f", and is not clearly better than n = {listed(others)}" if others else ""
        return f"{rather}; fine-tuned, {_at(answer.n, layers)} is best{rest}."
    if not others:
        return f"{rather}; {_at(answer.n, layers)} is the only n that was fine-tuned."
    return f"{rather}; fine-tuned, {_at(answer.n, layers)} is the best seen, but no other n is ruled out{_why(answer)}."


def _why(answer: Answer) -> str:
    """The reason why an answer is not decided, if there is a simple one."""
    return "" if answer.found.degrees else ", as one split alone has no interval"


def points(found: Estimate) -> str:
    """A difference of accuracies in points, with its interval."""
    return interval_in_points(found.value, *found.interval())


def interval_in_points(value: float, low: float, high: float) -> str:
    """A difference of accuracies in points, with its interval if there is one; if wide, as half of its width."""
    if np.isnan(low):
        return f"{100 * value:+.1f}"
    half = 100 * (high - low) / 2
    return f"{100 * value:+.1f} " + (f"(±{half:.0f})" if half > WIDE else f"({100 * low:+.1f} to {100 * high:+.1f})")


def _at(numbers: Sequence[int], layers: Sequence[str]) -> str:
    """Text for one n with the layer's name, or for the mean over several n."""
    if len(numbers) > 1:
        return f"mean over n = {listed(numbers)}"
    name = layer_name(numbers[0], layers)
    return f"n = {numbers[0]} ({name})" if name else f"n = {numbers[0]}"


def layer_name(n: int, layers: Sequence[str]) -> str:
    """The name of layer n; empty for 0, and where names are not known."""
    return layers[n - 1] if 0 < n <= len(layers) else ""


def listed(numbers: Sequence[int]) -> str:
    """Text for numbers in ascending order; runs of three or more are shortened, as in 3-7."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
