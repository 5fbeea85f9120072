"""The page of an arm's mistakes."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from transferability.analysis.mistakes import Mistakes, class_table, confused_pairs
from transferability.common.errors import counted
from transferability.common.pages import Section
from transferability.results.advised import Advised

PAIRS, LISTED = 30, 200  # rows of the page; mistakes.csv has all images


def mistakes_sections(
    arm: Advised, found: Mistakes, names: Mapping[str, str], confusion: Path, sheet: Path, sheet_of_all: Path
) -> list[Section]:
    """Return the sections of the page; `names` maps classes to what readers call them, and the paths are figures."""
    of = f"{arm.network} of {arm.given}" if arm.given else arm.network
    pairs = _named(confused_pairs(found.tests).head(PAIRS), names)
    return [
        Section(f"Mistakes of {of}", _summary(found)),
        Section(
            "By class",
            "recall is the share of a class's photographs that are right; precision is the share of right answers "
            "among all answers that name the class.",
            _named(class_table(found.tests), names),
        ),
        Section(
            "Which classes are confused",
            f"The {PAIRS} most frequent pairs; share is that of the class's tests.",
            pairs,
            confusion,
        ),
        Section(
            "Photographs that it gets wrong",
            "Those that are wrong in more of their tests come first, then those of higher confidence. Begin there: if "
            "the network is sure, the label is often what is wrong. predicted is the most frequent wrong answer and "
            "confidence the mean probability of it; arms wrong is the number of arms of the study that get the "
            f"photograph wrong in at least half of their tests.{_more(found.images)}",
            _listed(found.images, names),
            sheet,
        ),
        Section(
            "Photographs that all arms get wrong",
            "A wrong label, a photograph without its subject, or a case that no network of the study has learned."
            + _more(found.by_all),
            _listed(found.by_all, names),
            sheet_of_all,
        ),
    ]


def _summary(found: Mistakes) -> str:
    right, tests, images = int(found.tests["right"].sum()), len(found.tests), found.tests["row"].nunique()
    repeats = found.tests["split"].nunique()
    return (
        f"This is the network that the advice names (advice.md). {right:,} of its {tests:,} answers are right "
        f"({_percent(right / tests)}), over {counted(images, 'photograph')} and {counted(repeats, 'repeat')}. "
        f"Photographs that are wrong at least once: {len(found.images):,}; in all arms of the study: "
        f"{len(found.by_all):,}. The sheets show photographs as they are stored, with their file, label, and the "
        "answer with its confidence."
    )


def _listed(images: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    table = _named(images.drop(columns="row").head(LISTED), names)
    table.insert(0, "no.", range(1, len(table) + 1))
    return table.rename(columns={"arms_wrong": "arms wrong"})


def _more(images: pd.DataFrame) -> str:
    return f" The first {LISTED} of {len(images):,}; mistakes.csv has all." if len(images) > LISTED else ""


def _named(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A table with classes by name, and shares in percent."""
    classes = [column for column in ("class", "predicted") if column in table]
    shares = [column for column in ("recall", "precision", "share", "confidence") if column in table]
    shown = {column: [names[wnid] for wnid in table[column]] for column in classes}
    return table.assign(**shown, **{column: table[column].map(_percent) for column in shares})


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{100 * share:.1f} %"
