"""What the analysis starts from, by hand: without it docs/findings.md alone shows a fault, and asks to be rewritten."""

import pandas as pd
import pytest

from transferability.common.resources import RESOURCES
from transferability.results.accuracies import by_class_table, with_residuals
from transferability.results.paper import paper_accuracies


def test_a_residual_is_what_a_class_adds_to_an_accuracy_beyond_its_due():
    """Of 16 images 12 are right: of 4 of n1 that is 3, but 1 was; of 12 of n2 that is 9, but 11 were."""
    records = [
        {"split": "random-0", "network": "baseA", "by_class": {"n1": "1/4", "n2": "11/12"}},
        {"split": "random-1", "network": "baseA", "by_class": {"n1": "2/4", "n2": "6/12"}},
    ]
    networks = pd.DataFrame(
        {"split": ["random-1", "random-0", "random-0"], "network": ["baseA", "baseA", "baseB"], "top1": [0.5, 0.75, 0]}
    )
    even, first, unknown = with_residuals(networks, by_class_table(records))["by_class"]
    assert first.to_dict() == pytest.approx({"n1": -2 / 16, "n2": 2 / 16}), "a residual is (right - due) / all images"
    assert even.to_dict() == {"n1": 0, "n2": 0}, "classes that are as often right as the others add nothing"
    assert unknown is None, "a network without outcomes by class has no residuals"


def test_the_papers_tasks_have_their_classes_and_fifty_validation_images_of_each():
    table = paper_accuracies(RESOURCES / "paper_accuracies.csv")
    for row in table.itertuples():
        halves = {"A": 551, "B": 449} if row.split == "manmade-natural" else {"A": 500, "B": 500}
        classes = halves.get(row.target, 1000)
        found = (row.classes, row.val_images)
        assert found == (classes, 50 * classes), f"{row.split}/{row.network}: {found} classes and validation images"
