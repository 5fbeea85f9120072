"""Folders within class folders: checks that the folders taken for classes are the classes."""

import re
from collections.abc import Callable, Collection, Mapping, Set

from transferability.common.errors import some_of
from transferability.datasets.formats.subsets import NAMES, names_of_subsets
from transferability.datasets.formats.suffixes import Problems

FOLD = re.compile(r"(fold|split|part|batch|cv|set)[ _-]?\d+", re.IGNORECASE)
RIGHT_IN = ""  # stands for images directly in a class folder


def judge_nesting(within: Mapping[str, Set[str]], where: str, problems: Problems) -> None:
    """Note class folders that may not be classes, by the names of the folders with images in each (or `RIGHT_IN`).

    Nested folders are part of their class, as in torchvision. Nested folders of subsets or folds would leak validation
    images into training, or become classes.
    """
    divided = {name: names_of_subsets(inner) for name, inner in within.items()}
    divided = [f"{name}/{of['train']} and {name}/{of['val']}" for name, of in divided.items() if len(of) == 2]
    nested = {name: inner for name, inner in within.items() if inner and RIGHT_IN not in inner}
    parts = {subset: sorted(filter(_called(names), nested)) for subset, names in NAMES.items()}
    if divided:
        problems.faults.append(
            f"{where}{len(divided)} class folders hold subsets, which do not count there: {some_of(divided)}; put "
            "the subsets outside (train/CLASS, val/CLASS), or list the images in a table with a column subset"
        )
    elif all(parts.values()):
        problems.faults.append(
            f"{where}{', '.join(parts['train'] + parts['val'])} would be classes, but look like subsets; call them "
            "train and val"
        )
    elif nested and all(map(FOLD.fullmatch, within)):
        problems.faults.append(
            f"{where}{some_of(sorted(within))} would be classes, but look like folds; put the folders of the classes "
            "outside (a table lists images wherever they are), or rename them if they are classes"
        )
    elif len(shared := _in_all(within)) > 1:
        problems.warnings.append(
            f"{where}{some_of(sorted(within))} are the classes, and all hold the folders {some_of(shared)}; if these "
            "are the classes, put them outside"
        )


def _in_all(within: Mapping[str, Set[str]]) -> list[str]:
    """The folders that all of several class folders contain; none if one of these has images directly in it."""
    if len(within) < 2 or any(RIGHT_IN in inner for inner in within.values()):
        return []
    return sorted(frozenset.intersection(*map(frozenset, within.values())))


def _called(names: Collection[str]) -> Callable[[str], bool]:
    """Return whether a folder's name contains one of these names of a subset as a word: seg_train, training_set."""
    return lambda name: not set(names).isdisjoint(re.split("[^a-z]+", name.lower()))
