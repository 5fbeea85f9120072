"""Answers of networks, image by image, with the units that images belong to."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from transferability.common.errors import InputError
from transferability.common.tables import read_index, write_table
from transferability.jobs.answers import pack_answers
from transferability.results import outcomes

IMAGES = pd.DataFrame(
    {
        "path": list("abcdef"),
        "wnid": ["x", "y", "x", "y", "x", "y"],
        "subset": ["train", "val", "val", "val", "val", "train"],
        "group": ["p1", "p1", "p2", "p2", "p3", "p3"],
    }
)


def record(answers: list[int]) -> dict:
    packed = pack_answers(np.array(answers), np.full(len(answers), 204), 2)
    names = {"split": "given-mine-0", "network": "A3B", "fold": None, "classes": 2}
    return names | {"by_class": {"x": "1/2", "y": "2/2"}, "answers": packed}


@pytest.mark.parametrize(("columns", "units"), [(4, ["p1", "p2", "p2", "p3"]), (3, [1, 2, 3, 4])])
def test_units_are_groups_or_else_images(tmp_path, monkeypatch, columns, units):
    write_table(IMAGES.iloc[:, :columns], tmp_path / "index.csv")
    index = read_index(tmp_path / "index.csv")
    assert list(index) == list(IMAGES)[:columns]
    monkeypatch.setattr(outcomes, "read_record", lambda file: record([1, 0, 1, 1]))
    table = outcomes.read_units([Path("A3B.json")], index)
    assert table["unit"].tolist() == units and table["row"].tolist() == [1, 2, 3, 4]
    assert table["right"].tolist() == [True, True, True, False] and set(table["confidence"]) == {0.8}


def test_answers_to_other_images_are_an_error(monkeypatch):
    monkeypatch.setattr(outcomes, "read_record", lambda file: record([1, 0, 1]))
    with pytest.raises(InputError, match="answers 3 images, the index has 4"):
        outcomes.read_outcomes([Path("A3B.json")], IMAGES)
