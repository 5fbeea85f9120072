"""Images set aside for validation: folds and shares, groups and copies."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from transferability.common.errors import InputError
from transferability.common.subsets import in_subset
from transferability.datasets.holding_out import HoldOut, hold_out, into_folds
from transferability.datasets.index import count_images, index_images


def photographs(root: Path, classes: dict[str, list[str]]) -> Path:
    """Write files with content of their own, by class and name: listing images does not decode them."""
    for wnid, names in classes.items():
        for name in names:
            (root / wnid / name).parent.mkdir(parents=True, exist_ok=True)
            (root / wnid / name).write_bytes(f"{wnid}/{name}".encode())
    return root


def numbered(count: int) -> list[str]:
    return [f"{number:03d}.jpg" for number in range(count)]


def test_every_image_is_validated_once_and_classes_are_spread_evenly(tmp_path):
    root = photographs(tmp_path, {"ant": numbered(37), "bee": numbered(24), "cow": numbered(5)})
    index = index_images("imagefolder", root, HoldOut(folds=5))
    held_out = [set(index["path"][in_subset(index, "val", fold)]) for fold in range(5)]
    assert Counter(path for one in held_out for path in one) == Counter(index["path"])
    for fold in range(5):
        counts = count_images(index, fold)
        assert (counts["train"] + counts["val"] == [37, 24, 5]).all()
        assert set(counts.loc["ant"]) <= {7, 8, 29, 30}
        assert counts.loc["bee", "val"] in (4, 5)
        assert counts.loc["cow", "val"] == 1
    sizes = [len(one) for one in held_out]
    assert max(sizes) - min(sizes) <= 1


def test_the_folds_follow_from_the_paths_alone(tmp_path):
    classes = {"ant": numbered(11), "bee": numbered(9)}
    first = index_images("imagefolder", photographs(tmp_path / "one", classes), HoldOut(folds=3))
    backwards = {wnid: names[::-1] for wnid, names in reversed(classes.items())}
    second = index_images("imagefolder", photographs(tmp_path / "two", backwards), HoldOut(folds=3))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("held_out", [HoldOut(folds=3, group="(patient[0-9]+)"), HoldOut(0.3, group="(patient[0-9]+)")])
def test_a_group_is_never_divided(tmp_path, held_out):
    names = [f"patient{number % 13}/{number}.jpg" for number in range(60)]
    root = photographs(tmp_path, {"ill": names, "well": [f"patient{20 + k % 9}-{k}.jpg" for k in range(40)]})
    index = index_images("imagefolder", root, held_out)
    assert index.groupby("group")["subset"].nunique().eq(1).all()
    assert set(index["group"]) == {f"patient{k}" for k in [*range(13), *range(20, 29)]}
    shares = index.groupby("subset")["wnid"].value_counts(normalize=True).unstack()
    assert (shares - [0.6, 0.4]).abs().to_numpy().max() < 0.1


@pytest.mark.parametrize("held_out", [HoldOut(folds=4), HoldOut(0.25)])
def test_copies_of_an_image_stay_together(tmp_path, held_out):
    root = photographs(tmp_path, {"ant": numbered(20), "bee": numbered(20)})
    for number in range(0, 20, 2):
        (root / "ant" / f"{number + 1:03d}.jpg").write_bytes((root / "ant" / f"{number:03d}.jpg").read_bytes())
    index = index_images("imagefolder", root, held_out)
    content = [hashlib.md5((root / path).read_bytes()).hexdigest() for path in index["path"]]
    assert index.groupby(content)["subset"].nunique().eq(1).all()
    assert sum(Counter(content).values()) > len(set(content))


def test_without_groups_the_first_by_hash_are_held_out():
    """The rule as the documentation states it, computed by hand."""
    table = pd.DataFrame({"path": [f"ant/{k}.jpg" for k in range(10)], "wnid": "ant", "subset": ""})
    expected = sorted(table["path"], key=lambda path: hashlib.sha256(path.encode()).hexdigest())[:3]
    held_out = hold_out(table, pd.Series(range(10)), 0.3, [])
    assert set(held_out["path"][held_out["subset"] == "val"]) == set(expected)


def test_folds_are_as_even_as_scikit_learns():
    """Its StratifiedGroupKFold follows the same idea: the worst share of a class in a fold is not better there."""
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 60, 400)
    wnid = np.where(generator.random(400) < 0.2 + 0.5 * (groups % 3 == 0), "ant", "bee")
    table = pd.DataFrame({"path": [f"{k}.jpg" for k in range(400)], "wnid": wnid, "subset": ""})
    ours = into_folds(table, pd.Series(groups), 5, [])["subset"]
    theirs = pd.Series("", index=table.index)
    for fold, (_, rows) in enumerate(StratifiedGroupKFold(5).split(table, wnid, groups)):
        theirs[rows] = f"fold-{fold}"

    def worst(subsets: pd.Series) -> float:
        counts = pd.crosstab(subsets, wnid) / pd.Series(wnid).value_counts()
        return float((counts - 0.2).abs().to_numpy().max())

    assert worst(ours) <= worst(theirs) + 0.02


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (
            HoldOut(folds=5),
            r"dataset\.folds 5 leaves no fold 1 images for 1 of 2 classes: bee \(4 images\); add images",
        ),
        (HoldOut(folds=2, group="camera[0-9]"), r"dataset\.group: 24 of 24 images have no group by 'camera\[0-9\]'"),
    ],
)
def test_what_cannot_be_divided_is_an_error(tmp_path, held_out, message):
    root = photographs(tmp_path, {"ant": numbered(20), "bee": numbered(4)})
    with pytest.raises(InputError, match=message):
        index_images("imagefolder", root, held_out)


def test_a_set_that_is_divided_already_has_no_folds(tmp_path):
    root = photographs(tmp_path / "train", {"ant": numbered(5), "bee": numbered(5)}).parent
    photographs(root / "val", {"ant": numbered(2), "bee": numbered(2)})
    with pytest.raises(InputError, match=re.escape("dataset.folds: 5 given, but the set has validation images")):
        index_images("imagefolder", root, HoldOut(folds=5))


def test_a_group_on_both_sides_of_a_divided_set_is_an_error(tmp_path):
    for subset, patients in (("train", (1, 2, 3)), ("val", (3, 4))):
        names = [f"patient{k}.jpg" for k in patients]
        photographs(tmp_path / subset, {"ant": names, "bee": names})
    with pytest.raises(InputError, match=r"1 of 4 groups are in both training and validation: patient3; move each"):
        index_images("imagefolder", tmp_path, HoldOut(group="(patient[0-9]+)"))


def test_a_table_names_the_group_in_a_column(tmp_path):
    photographs(tmp_path, {"x": numbered(30)})
    lines = [f"x/{k:03d}.jpg,{'ant' if k % 2 else 'bee'},slide {k // 5}" for k in range(30)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,Slide", *lines]), encoding="utf-8")
    index = index_images("table", tmp_path / "list.csv", HoldOut(folds=3, group="slide"))
    assert index.groupby("group")["subset"].nunique().eq(1).all()
    assert len(set(index["group"])) == 6
    with pytest.raises(InputError, match=r"dataset\.group: no column patient; accepted: slide"):
        index_images("table", tmp_path / "list.csv", HoldOut(folds=3, group="patient"))
