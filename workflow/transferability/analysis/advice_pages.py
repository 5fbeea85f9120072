"""The pages of the advice: what to do in three sentences, a table over n, what each answer rests on, and the rules."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from transferability.analysis.advice import (
    COPIES,
    TREATMENTS,
    Advice,
    advise,
    cells,
    sources,
    with_all_copied,
)
from transferability.analysis.advice_words import CALLED, interval_in_points, layer_name, listed, points, words
from transferability.analysis.doubts import doubts
from transferability.analysis.relative import relative_accuracies
from transferability.common.pages import Section
from transferability.study.network import GIVEN

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

All layers copied: how many to freeze? The largest number, which costs least to train, whose mean accuracy lies within
one point of the highest mean. What it may lose is the highest upper bound of the difference between any other number
and it, at 5 % divided by the count of other numbers (Bonferroni).

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
NOTHING = "This study has no networks with layers copied from another source (AnB, AnB+): there is nothing to advise."


def advice_table(accuracies: pd.DataFrame, measure: str, layers: Sequence[str]) -> pd.DataFrame:
    """Return the results of each source of features, treatment and n.

    Columns: source, n, layer (its name; empty if not known), treatment, accuracy, scratch (mean accuracy of the base
    networks that it is paired with), difference, low, high (interval at 1 - 2 ALPHA; NaN for one split), splits,
    networks. Accuracies are shares.
    """
    rows = []
    for source, table in sources(with_all_copied(relative_accuracies(accuracies, measure), len(layers))).items():
        for treatment in TREATMENTS:
            for n, found in cells(table, treatment).items():
                chosen = table[(table["treatment"] == treatment) & (table["n"] == n)]
                means = chosen["accuracy"].mean(), chosen["base"].mean()
                numbers = (*means, found.value, *found.interval(), found.degrees + 1, found.networks)
                rows.append([source, n, layer_name(n, layers), treatment, *numbers])
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
    found = sources(with_all_copied(relative_accuracies(accuracies, measure), len(layers)))
    if not found:
        return [Section("Advice", NOTHING)]
    advices = {source: advise(rows) for source, rows in found.items()}
    return [
        *doubts(accuracies),
        *(
            Section(
                f"Advice: {called(source)}",
                f"{words(advice, layers, found[source])}\n\n{_basis(found[source])}",
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


def _answers(advice: Advice) -> pd.DataFrame:
    """The answers, each with the difference that it rests on or, if not decided, that was examined."""
    questions = {
        "all layers copied: how many to freeze?": advice.all_copied,
        "does copying pay?": advice.pays,
        "how many layers can stay frozen?": advice.freezable,
        "how many layers to copy and fine-tune?": advice.best_tuned,
        "freeze or fine-tune?": advice.freeze_or_tune,
        "more than longer training?": advice.beyond_training,
    }
    rows = []
    for question, answer in questions.items():
        if not answer.n:
            continue
        if answer is advice.all_copied:
            rows.append([question, answer.answer, "best other n - this n", listed(answer.n), points(answer.found)])
            continue
        terms = answer.treatments if len(answer.treatments) == 2 else (*answer.treatments, "scratch")
        difference = " - ".join(terms) if answer.treatments else ""
        at = " and ".join(map(str, answer.n)) if answer is advice.freeze_or_tune else listed(answer.n)
        rows.append([question, answer.answer, difference, at, points(answer.found)])
    return pd.DataFrame(rows, columns=["question", "answer", "difference", "n", "points"])


def _over_n(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """The table of one source as text, with a row per n."""
    rows = table[table["source"] == source]
    shown = rows[["n", "layer"]].drop_duplicates().sort_values("n").set_index("n")
    scratch = rows[rows["treatment"].isin(COPIES)].groupby("n")["scratch"].mean()
    shown["from scratch"] = (100 * scratch).map("{:.1f} %".format)
    for treatment in TREATMENTS:
        own = rows[rows["treatment"] == treatment].set_index("n")
        if own.empty:
            continue
        if treatment in COPIES:
            shown[CALLED[treatment]] = (100 * own["accuracy"]).map("{:.1f} %".format)
        intervals = zip(own["difference"], own["low"], own["high"], strict=True)
        shown[f"{CALLED[treatment]} - scratch"] = pd.Series([interval_in_points(*one) for one in intervals], own.index)
    if not shown["layer"].any():
        shown = shown.drop(columns="layer")
    return shown.reset_index().fillna("")


def called(source: str) -> str:
    """Return the name of a source of features for titles."""
    known = {"random": "random halves of the classes", "manmade-natural": "man-made and natural classes"}
    return known.get(source) or f"layers of {source.removeprefix(GIVEN)}"
