"""The pages of the advice: what to do in three sentences, a table over n, what each answer rests on, and the rules."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from transferability.analysis.advice import (
    FREEZE,
    FROZEN,
    NO,
    NONE,
    TREATMENTS,
    TUNE,
    TUNED,
    YES,
    Advice,
    Answer,
    advise,
    cells,
    sources,
)
from transferability.analysis.claim_parts import NOT_DECIDED
from transferability.analysis.doubts import doubts
from transferability.analysis.effects import Estimate
from transferability.analysis.relative import relative_accuracies
from transferability.common.pages import Section
from transferability.study.network import GIVEN

CALLED = {FROZEN: "frozen", TUNED: "fine-tuned", "BnB": "own frozen", "BnB+": "own fine-tuned"}
RULES = """n is the number of first layers that are copied. "Frozen" is AnB, "fine-tuned" AnB+; "own" layers (BnB, BnB+)
come from a network that was trained on the same images: they show the cost of freezing and the gain of longer training.
Differences are points of top-1 accuracy above training from scratch, paired by split and target, with 90 % intervals,
which add the error between splits (t, splits - 1 degrees of freedom) and that of the validation images. One split
alone has no interval, and decides nothing. A difference of less than one point counts as equal. {errors}

Does copying pay? Yes, if an interval lies above one point: the interval of the fine-tuned networks, mean over all n, at
2.5 %, or that of a single n, frozen or fine-tuned, at 2.5 % divided by their number (Bonferroni). No, if every n lies
below one point, each at 5 % (an intersection-union test).

How many layers can stay frozen? The largest n that is found to lose less than one point: the n are tested in order,
from the smallest, each at 2.5 %, up to the first that fails (a fixed-sequence test), and also each at 2.5 % divided by
their number (Bonferroni). None, if the smallest n already loses more than one point.

How many layers to copy and fine-tune? An n is ruled out if the n with the highest accuracy lies more than one point
above it, at 5 % divided by the number of other n (a comparison with the best, with Bonferroni's bound). The answer is
all remaining n.

Freeze or fine-tune? Fine-tune, if the best fine-tuned n lies more than one point above every frozen n. Freeze, if the
best frozen n loses less than one point against every fine-tuned n. Both are tested at 5 % divided by the number of n
from which the best was chosen.

More than longer training? Whether AnB+, mean over all n, lies more than one point above the control (yes) or not (no).
The control is a network whose layers are all copied from one that was trained on the same images, and trained again.
Without a control the comparison is with BnB+."""
SIMULATED = """In simulated studies of random splits each answer errs in at most 5 %."""
SEEDS_ONLY = """Repeats of a given network train on the same images and differ in their random numbers only. So their
intervals hold no error of the training images: with other photographs of the same kind, differences may lie outside
these intervals, and it is not known how often an answer errs."""
RESTS = """The difference that each answer rests on; for several n it is their mean. If an answer is not decided, it is
the best difference observed."""
FIGURE = """Accuracy over the number n of copied layers, frozen and fine-tuned, against training from scratch (dashed).
Bars are the intervals of the differences: where a bar lies a point or more from the dashed line, copying gains or
loses. An arrow marks an interval that leaves the axis, as the intervals of two repeats often do."""
WIDE = 20  # points: wider intervals are shown by their half width, as -67.3 to +70.1 is hard to read
NOTHING = "This study has no networks with layers copied from another source (AnB, AnB+): there is nothing to advise."


def advice_table(accuracies: pd.DataFrame, measure: str, layers: Sequence[str]) -> pd.DataFrame:
    """Return the results of each source of features, treatment and n.

    Columns: source, n, layer (its name; empty if not known), treatment, accuracy, scratch (mean accuracy of the base
    networks that it is paired with), difference, low, high (interval at 1 - 2 ALPHA; NaN for one split), splits,
    networks. Accuracies are shares.
    """
    rows = []
    for source, table in sources(relative_accuracies(accuracies, measure)).items():
        for treatment in TREATMENTS:
            for n, found in cells(table, treatment).items():
                chosen = table[(table["treatment"] == treatment) & (table["n"] == n)]
                means = chosen["accuracy"].mean(), chosen["base"].mean()
                numbers = (*means, found.value, *found.interval(), found.degrees + 1, found.networks)
                rows.append([source, n, _name(n, layers), treatment, *numbers])
    names = [
        "source",
        "n",
        "layer",
        "treatment",
        "accuracy",
        "scratch",
        "difference",
        "low",
        "high",
        "splits",
        "networks",
    ]
    return pd.DataFrame(rows, columns=names)


def advice_sections(
    accuracies: pd.DataFrame, table: pd.DataFrame, measure: str, layers: Sequence[str], figure: Path | None = None
) -> list[Section]:
    """Return the page: the advice and the `advice_table`, per source; `figure`; what the answers rest on; the rules."""
    found = sources(relative_accuracies(accuracies, measure))
    if not found:
        return [Section("Advice", NOTHING)]
    advices = {source: advise(rows) for source, rows in found.items()}
    return [
        *doubts(accuracies),
        *(
            Section(
                f"Advice: {called(source)}",
                f"{words(advice, layers)}\n\n{_basis(found[source])}",
                _over_n(table, source),
            )
            for source, advice in advices.items()
        ),
        Section("Accuracy over n", FIGURE, image=figure),
        *(
            Section(f"What it rests on: {called(source)}", RESTS, _answers(advice))
            for source, advice in advices.items()
        ),
        Section("Rules", RULES.format(errors=" ".join(_errors(found.values())))),
    ]


def words(advice: Advice, layers: Sequence[str]) -> str:
    """Return the advice in three sentences."""
    sentences = (_whether, _how_many_frozen, _how_many_tuned)
    return " ".join(sentence(advice, layers) for sentence in sentences)


def _errors(tables: Iterable[pd.DataFrame]) -> list[str]:
    """Return how often answers err, as far as it was simulated."""
    given = {_is_given(table) for table in tables}
    return [said for kind, said in ((False, SIMULATED), (True, SEEDS_ONLY)) if kind in given]


def _is_given(relative: pd.DataFrame) -> bool:
    return bool(relative["split"].str.startswith(GIVEN).all())


def _basis(relative: pd.DataFrame) -> str:
    """Return what the answers rest on, and how to make their intervals narrower."""
    splits, images = relative["split"].nunique(), relative["val_images"].max()
    given = _is_given(relative)
    number = f"{splits} {'repeat' if given else 'split'}" + ("s" if splits > 1 else "")
    if not given:
        return f"This rests on {number} with {images:,} validation images for each half."
    return (
        f"This rests on {number} and {images:,} validation images. "
        "Repeats differ in their random numbers only: intervals do not include the effect of other training images. "
        "More repeats or validation images make intervals narrower; two repeats decide little, four much more."
    )


def _whether(advice: Advice, layers: Sequence[str]) -> str:
    pays = advice.pays
    seen = f"{_points(pays.found)} points {CALLED[pays.treatments[0]]}, {_at(pays.n, layers)}"
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
    seen = f"{_points(answer.found)} points"
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
        rest = f", and is not clearly better than n = {_list(others)}" if others else ""
        return f"{rather}; fine-tuned, {_at(answer.n, layers)} is best{rest}."
    if not others:
        return f"{rather}; {_at(answer.n, layers)} is the only n that was fine-tuned."
    return f"{rather}; fine-tuned, {_at(answer.n, layers)} is the best seen, but no other n is ruled out{_why(answer)}."


def _why(answer: Answer) -> str:
    """The reason why an answer is not decided, if there is a simple one."""
    return "" if answer.found.degrees else ", as one split alone has no interval"


def _answers(advice: Advice) -> pd.DataFrame:
    """The answers, each with the difference that it rests on or, if not decided, that was examined."""
    questions = {
        "does copying pay?": advice.pays,
        "how many layers can stay frozen?": advice.freezable,
        "how many layers to copy and fine-tune?": advice.best_tuned,
        "freeze or fine-tune?": advice.freeze_or_tune,
        "more than longer training?": advice.beyond_training,
    }
    rows = []
    for question, answer in questions.items():
        terms = answer.treatments if len(answer.treatments) == 2 else (*answer.treatments, "scratch")
        difference = " - ".join(terms) if answer.treatments else ""
        at = " and ".join(map(str, answer.n)) if answer is advice.freeze_or_tune else _list(answer.n)
        rows.append([question, answer.answer, difference, at, _points(answer.found) if answer.n else ""])
    return pd.DataFrame(rows, columns=["question", "answer", "difference", "n", "points"])


def _over_n(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """The table of one source as text, with a row per n."""
    rows = table[table["source"] == source]
    shown = rows[["n", "layer"]].drop_duplicates().sort_values("n").set_index("n")
    for treatment in TREATMENTS:
        own = rows[rows["treatment"] == treatment].set_index("n")
        if own.empty:
            continue
        if treatment in (FROZEN, TUNED):
            if "from scratch" not in shown:
                shown["from scratch"] = (100 * own["scratch"]).map("{:.1f} %".format)
            shown[CALLED[treatment]] = (100 * own["accuracy"]).map("{:.1f} %".format)
        intervals = zip(own["difference"], own["low"], own["high"], strict=True)
        shown[f"{CALLED[treatment]} - scratch"] = pd.Series([_interval(*one) for one in intervals], own.index)
    if not shown["layer"].any():
        shown = shown.drop(columns="layer")
    return shown.reset_index().fillna("")


def _points(found: Estimate) -> str:
    return _interval(found.value, *found.interval())


def _interval(value: float, low: float, high: float) -> str:
    """A difference of accuracies in points, with its interval if there is one; if wide, as half of its width."""
    if np.isnan(low):
        return f"{100 * value:+.1f}"
    half = 100 * (high - low) / 2
    return f"{100 * value:+.1f} " + (f"(±{half:.0f})" if half > WIDE else f"({100 * low:+.1f} to {100 * high:+.1f})")


def _at(numbers: Sequence[int], layers: Sequence[str]) -> str:
    """Text for one n with the layer's name, or for the mean over several n."""
    if len(numbers) > 1:
        return f"mean over n = {_list(numbers)}"
    name = _name(numbers[0], layers)
    return f"n = {numbers[0]} ({name})" if name else f"n = {numbers[0]}"


def _name(n: int, layers: Sequence[str]) -> str:
    return layers[n - 1] if n <= len(layers) else ""


def _list(numbers: Sequence[int]) -> str:
    """Text for numbers in ascending order; runs of three or more are shortened, as in 3-7."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def called(source: str) -> str:
    """Return the name of a source of features for titles."""
    known = {"random": "random halves of the classes", "manmade-natural": "man-made and natural classes"}
    return known.get(source) or f"layers of {source.removeprefix(GIVEN)}"
