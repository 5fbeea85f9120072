"""Advice in words: what to do in some sentences, how sure that is, and what would decide what is open."""

from math import floor, isnan, log10

import pandas as pd

from transferability.analysis.arms import FOLDS, FROZEN, LONGER, REPEATS, SCRATCH, SPLITS, TUNED, Source
from transferability.analysis.decision import MOST, Decision, needed
from transferability.common.errors import counted
from transferability.study.network import ALL_COPIED

KEYS = {SPLITS: "splits.random", FOLDS: "given.repeats", REPEATS: "given.repeats"}
REFERENCES = {SCRATCH: "Training from scratch", LONGER: "Training from scratch twice as long"}


def words(source: Source, decision: Decision) -> str:
    """Say in some sentences what to do, what that may lose, what more would cost, and whether scratch is ruled out."""
    arm = source.arms.iloc[decision.advised]
    accuracy = source.evidence.mean[decision.advised]
    sentences = [f"{_instruction(arm, source)}: {percent(accuracy)}.", _certainty(source, decision)]
    sentences += [*_price(source, decision), *_references(source, decision), *_other_networks(source, decision)]
    return " ".join(sentences)


def basis(source: Source) -> str:
    """Say what the advice rests on."""
    number, images = counted(source.evidence.blocks, source.kind), f"{source.images:,} validation images"
    if source.kind == FOLDS:
        said = f"This rests on {number}, with {images} in all: each fold is held out in turn."
    elif source.kind == REPEATS:
        said = (
            f"This rests on {number} and {images}. Repeats train on the same images and differ in their random "
            "numbers: the bounds leave out how much other training images would change the result."
        )
    else:
        said = f"This rests on {number} and {images}, which all splits divide among their halves."
    if source.all_blocks > source.evidence.blocks:
        left = source.all_blocks - source.evidence.blocks
        said += f" {left} of {counted(source.all_blocks, source.kind)} lack arms and are left out."
    return said


def still_open(source: Source, decision: Decision) -> str:
    """Say which arms are open, and how many blocks and images would decide between them and the advised one."""
    if isnan(decision.bound[decision.advised]):
        return f"One {source.kind} alone gives no certainty; two give some, four much more (`{KEYS[source.kind]}`)."
    left = [arm for arm in range(len(decision.loss)) if not decision.ruled_out[arm] and arm != decision.advised]
    if not left:
        return "Nothing is open: all other arms are ruled out."
    names = ", ".join(str(source.arms["network"][arm]) for arm in left)
    more, margin = needed(source.evidence, decision), a_point(source.evidence.margin)
    said = f"{counted(len(left), 'other arm')} may be as good or better, or worse by less than {margin} ({names})."
    if more is None:
        return f"{said} What the advised arm may lose is already known to {margin}: more would decide little."
    images = f"{_round(more.images * source.images)} validation images (now {source.images:,})"
    said += f" To know to within {margin} how much the advised arm may lose would take about"
    if source.kind == FOLDS:
        return f"{said} {images} in all folds."
    blocks = (
        f"{'more than ' * (more.blocks >= MOST)}{_round(more.blocks)} {source.kind}s (now {source.evidence.blocks})"
    )
    both = f"{blocks} and {images}" if more.images > 1 else blocks
    return f"{said} {both}."


def short(arm: pd.Series) -> str:
    """The arm in a few words, for tables."""
    n, last = int(arm["n"]), int(arm["layers"]) - 1
    if arm["treatment"] in REFERENCES:
        return {SCRATCH: "from scratch", LONGER: "from scratch, trained twice"}[arm["treatment"]]
    if _only_classifier(arm):
        return "only the classifier learns"
    if _everything(arm):
        return "everything fine-tuned"
    if arm["treatment"] == ALL_COPIED:
        return f"first {n} of {last} frozen, the others fine-tuned"
    return f"first {n} copied and {'frozen' if arm['treatment'] == FROZEN else 'fine-tuned'}, the others new"


def called(source: str, given: str = "") -> str:
    """Return the name of a source of features, or of one given network, for titles."""
    known = {"random": "random halves of the classes", "manmade-natural": "man-made and natural classes"}
    return known.get(source) or (f"layers of {given}" if given else "the given networks")


def percent(share: float) -> str:
    """A share as text: 91.2 %."""
    return f"{100 * share:.1f} %"


def in_points(difference: float) -> str:
    """A difference of shares in points: 1 point, 2.9 points, 24 points."""
    number = f"{100 * abs(difference):.{0 if abs(difference) >= 0.0995 else 1}f}"
    return "1 point" if number in ("1.0", "1") else f"{number} points"


def a_point(margin: float) -> str:
    """The margin in words: a point, 2.0 points."""
    return in_points(margin).replace("1 point", "a point")


def _instruction(arm: pd.Series, source: Source) -> str:
    """What to do, as an instruction."""
    n, last, name = int(arm["n"]), int(arm["layers"]) - 1, arm["given"]
    whose = f"of {name}" if name else "of the other half's network"
    upto = f" (up to {arm['layer']})" if arm["layer"] else ""
    several = source.arms["given"].nunique() > 1
    if arm["treatment"] in REFERENCES:
        network = f" a network like {name}" if several else ""
        return f"Train{network} from scratch" + (", and then once more" if arm["treatment"] == LONGER else "")
    if _only_classifier(arm):
        return f"Train only the classifier {whose}"
    if _everything(arm):
        return f"Fine-tune all layers {whose}"
    if arm["treatment"] == ALL_COPIED:
        return f"Freeze the first {f'{n} ' * (n > 1)}of {last} layers {whose}{upto} and fine-tune the others"
    how = ("freeze" if arm["treatment"] == FROZEN else "fine-tune") + (" it" if n == 1 else " them")
    return f"Copy {_first(n)} {whose}{upto}, {how}, and train new layers above"


def _first(n: int) -> str:
    return f"the first {n} layers" if n > 1 else "the first layer"


def _only_classifier(arm: pd.Series) -> bool:
    return arm["treatment"] in (FROZEN, ALL_COPIED) and arm["n"] == arm["layers"] - 1


def _everything(arm: pd.Series) -> bool:
    return arm["n"] == {ALL_COPIED: 0, TUNED: arm["layers"] - 1}.get(arm["treatment"])


def _certainty(source: Source, decision: Decision) -> str:
    better = f"Nothing tried is more than {a_point(source.evidence.margin)} better"
    if decision.loss[decision.advised] == 0:
        better = "Nothing tried is better"
    bound = decision.bound[decision.advised]
    if isnan(bound):
        return f"{better}, but how sure this is cannot be said from one {source.kind}."
    if bound <= 0:
        return "It is surely better than all others that were tried."
    return f"{better}; against the best it may lose {in_points(bound)} at most."


def _price(source: Source, decision: Decision) -> list[str]:
    """What fine-tuning everything would cost, if it costs more."""
    advised, arms = source.arms.iloc[decision.advised], source.arms
    if not source.costs_known or _everything(advised):
        return []
    whole = arms[[_everything(arm) and arm["given"] == advised["given"] for _, arm in arms.iterrows()]]
    times = float((whole["operations"] / advised["operations"]).max()) if len(whole) else 1.0
    return [f"Fine-tuning everything costs {times:.{0 if times >= 3 else 1}f} times as much."] if times >= 1.05 else []


def _references(source: Source, decision: Decision) -> list[str]:
    """Whether the reference rows are ruled out, each by its best arm."""
    said, arms = [], source.arms
    for treatment, subject in REFERENCES.items():
        rows = [arm for arm in range(len(arms)) if arms["treatment"][arm] == treatment]
        if not rows or decision.advised in rows:
            continue
        best = min(rows, key=lambda arm: decision.loss[arm])
        ahead = decision.loss[best] - decision.loss[decision.advised]
        where = f"{in_points(ahead)} {'below' if ahead >= 0 else 'above'}"
        if isnan(decision.bound[decision.advised]):
            said.append(f"{subject} is {where}.")
        else:
            verdict = "is" if decision.ruled_out[rows].all() else "is not"
            said.append(f"{subject} {verdict} ruled out ({where}).")
    return said


def _other_networks(source: Source, decision: Decision) -> list[str]:
    """Which given networks are ruled out with all their arms."""
    given = source.arms["given"]
    names = [name for name in given.unique() if decision.ruled_out[given == name].all()]
    return [f"All that was tried with {name} is ruled out." for name in names]


def _round(number: float) -> str:
    """A number rounded up to two digits, with separators of thousands."""
    unit = 10 ** max(0, floor(log10(number)) - 1)
    return f"{-(-number // unit) * unit:,.0f}"
