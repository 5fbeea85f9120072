"""The mistakes of one arm: by class, by pair of classes and by image, with the images that all arms get wrong."""

from dataclasses import dataclass

import pandas as pd

from transferability.results.advised import Advised
from transferability.study.network import given_name

WRONG = 0.5  # an arm gets an image wrong if at least this share of its tests of the image is wrong


@dataclass(frozen=True)
class Mistakes:
    """The tests of one arm, and its mistakes. A test is one network's answer to one validation image.

    In a set of folds each image is tested once; if repeats share their validation images, once by each repeat.

    `tests`: a row per test of the arm, with the columns of `outcomes.read_outcomes`.
    `images`: a row per image that the arm gets wrong in at least one test: path, class, predicted (the most frequent
    wrong answer), confidence (mean probability of that answer, 0 to 1), wrong and tests (their numbers), arms_wrong and
    arms (their numbers), row (in the index and the store). Images that are wrong in more of their tests come first,
    then those of higher confidence.
    """

    tests: pd.DataFrame
    images: pd.DataFrame

    @property
    def by_all(self) -> pd.DataFrame:
        """The rows of `images` that all arms get wrong."""
        return self.images[self.images["arms_wrong"] == self.images["arms"]]


def mistakes_of(arm: Advised, outcomes: pd.DataFrame, index: pd.DataFrame) -> Mistakes:
    """Return the mistakes of an arm; `outcomes` (`outcomes.read_outcomes`) has the tests of all arms."""
    tests = outcomes[arm.repeats(outcomes)]
    wrong = tests[~tests["right"]]
    answers = wrong.groupby(["row", "wnid", "predicted"], as_index=False).agg(
        wrong=("confidence", "size"), confidence=("confidence", "mean")
    )
    # Ties are broken by name, so that the same answers give the same table.
    answers = answers.sort_values(["wrong", "confidence", "predicted"], ascending=[False, False, True])
    images = answers.drop_duplicates("row").drop(columns="wrong").set_index("row")
    counts = {"wrong": wrong.groupby("row").size(), "tests": tests.groupby("row").size()}
    images = images.assign(**{name: count.reindex(images.index) for name, count in counts.items()})
    images = images.join(_arms(outcomes)).reset_index()
    images["path"] = index["path"].to_numpy()[images["row"]]
    images["share"] = images["wrong"] / images["tests"]
    images = images.sort_values(["share", "confidence", "path"], ascending=[False, False, True], ignore_index=True)
    columns = ["path", "class", "predicted", "confidence", "wrong", "tests", "arms_wrong", "arms", "row"]
    return Mistakes(tests, images.rename(columns={"wnid": "class"})[columns])


def _arms(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The number of arms that test each image, and of those that get it wrong: columns arms_wrong, arms."""
    name = outcomes["split"].map(given_name)
    right = outcomes["right"].groupby([outcomes["row"], name, outcomes["network"]]).mean()
    return (1 - right >= WRONG).groupby("row").agg(arms_wrong="sum", arms="size")


def class_table(tests: pd.DataFrame) -> pd.DataFrame:
    """Return a row per class: class, images, tests, right, recall and precision (0 to 1; NaN if never predicted).

    recall is the share of the tests of the class's images that are right; precision is the share of right answers among
    the answers that name the class. `tests` is that of Mistakes.
    """
    by_class = tests.groupby("wnid").agg(images=("row", "nunique"), tests=("right", "size"), right=("right", "sum"))
    answered = tests.groupby("predicted").size().reindex(by_class.index)
    by_class["recall"] = by_class["right"] / by_class["tests"]
    by_class["precision"] = by_class["right"] / answered
    return by_class.rename_axis("class").reset_index()


def confused_pairs(tests: pd.DataFrame) -> pd.DataFrame:
    """Return a row per pair of classes that are confused: class, predicted, tests, share; the most frequent first.

    share is that of the class's tests, 0 to 1.
    """
    wrong = tests[~tests["right"]]
    pairs = wrong.groupby(["wnid", "predicted"]).size().rename("tests").reset_index()
    pairs["share"] = pairs["tests"] / pairs["wnid"].map(tests.groupby("wnid").size())
    pairs = pairs.sort_values(["tests", "share", "wnid"], ascending=[False, False, True], ignore_index=True)
    return pairs.rename(columns={"wnid": "class"})
