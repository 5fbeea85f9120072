"""Image sets as people have them: in folders of any shape or listed in a table, with leftovers, and with mistakes."""

import logging
import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.trees import make_tree
from transferability.common.errors import InputError
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import count_images, index_images, list_images
from transferability.tasks.splits import split_manifests

HELD_OUT = ["ant/4.png", "ant/6.png", "ant/8.png"]  # the same on every machine
FOLDER_NAMES = ["train", "Training", "val", "VALIDATION", "valid", "test"]


def picture(path: Path, seed: int = 0) -> Path:
    """Write an image of noise, 12 pixels wide and 10 high."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)).save(path)
    return path


def class_folders(folder: Path, images: int, classes=("ant", "bee", "cat", "dog")) -> Path:
    for label, name in enumerate(classes):
        for number in range(images):
            picture(folder / name / f"{number}.png", 1000 * label + number)
    return folder


def listed(root: Path, layout: str = "imagefolder", validation: float | None = None) -> dict[str, set[str]]:
    """The paths of each subset."""
    index = index_images(layout, root, HoldOut(validation))
    return {subset: set(rows["path"]) for subset, rows in index.groupby("subset")}


@pytest.mark.parametrize("name", FOLDER_NAMES[2:])
@pytest.mark.parametrize("train", FOLDER_NAMES[:2])
def test_a_validation_folder_by_any_of_its_names(tmp_path, caplog, train, name):
    class_folders(tmp_path / train, 2)
    class_folders(tmp_path / name, 1)
    with caplog.at_level(logging.INFO):
        found = listed(tmp_path)
    assert (len(found["train"]), len(found["val"])) == (8, 4)
    assert f"{name}/ant/0.png" in found["val"]
    assert (
        f"training images are those in {tmp_path / train}, validation images those in {tmp_path / name}" in caplog.text
    )


def test_of_two_validation_folders_the_first_name_counts_and_the_log_says_so(tmp_path, caplog):
    for name, images in (("train", 3), ("test", 2), ("valid", 1), ("unlabelled", 1)):
        class_folders(tmp_path / name, images)
    picture(tmp_path / "preview.png")
    with caplog.at_level(logging.INFO):
        found = listed(tmp_path, validation=0.5)
    assert {path.split("/")[0] for path in found["val"]} == {"valid"}
    assert f"{tmp_path / 'test'} does not count (8 images): train and valid do" in caplog.text
    assert f"{tmp_path / 'unlabelled'} does not count (4 images)" in caplog.text
    assert "1 images directly in" in caplog.text and "preview.png" in caplog.text
    assert "dataset.validation holds nothing out: the set has validation images of its own" in caplog.text


def test_nested_folders_count_as_torchvision_counts_them(tmp_path):
    from torchvision.datasets import ImageFolder

    class_folders(tmp_path / "train", 2)
    class_folders(tmp_path / "val", 1)
    picture(tmp_path / "train" / "ant" / "red" / "big.v2" / "5.png")
    picture(tmp_path / "train" / "ant" / "photo.jpg" / "6.png")
    theirs = {str(Path(path).relative_to(tmp_path)) for path, _ in ImageFolder(tmp_path / "train").samples}
    assert listed(tmp_path)["train"] == theirs
    assert len(theirs) == 10


def test_a_link_that_leads_back_is_not_followed_and_others_are(tmp_path):
    class_folders(tmp_path / "set", 2)
    (tmp_path / "set" / "ant" / "all").symlink_to(tmp_path / "set")
    more = picture(tmp_path / "elsewhere" / "more.png").parent
    (tmp_path / "set" / "ant" / "more").symlink_to(more)
    found = listed(tmp_path / "set", validation=0.5)
    assert len(found["train"] | found["val"]) == 9
    assert "ant/more/more.png" in found["train"] | found["val"]


def test_leftovers_in_archives_do_not_count(tmp_path):
    root = make_tree("imagenet-archives", tmp_path / "tree")
    before = index_images("imagenet-archives", root)
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "a") as archive:
        for name in ("._ILSVRC2012_val_00000001.JPEG", ".DS_Store", "__MACOSX/a.JPEG"):
            archive.addfile(tarfile.TarInfo(name))
    assert index_images("imagenet-archives", root).equals(before)


def test_two_classes_right_in_the_root(tmp_path):
    class_folders(tmp_path, 10, classes=("valid", "invalid"))
    found = listed(tmp_path, validation=0.2)
    assert (len(found["train"]), len(found["val"])) == (16, 4)
    with pytest.raises(
        InputError, match=r"random-0: random splits need at least 4 classes.* has 2 \(bee, cat\); .*to 0"
    ):
        split_manifests("random-0", ["bee", "cat"], None, {})


def test_what_is_held_out_follows_from_paths_alone(tmp_path, monkeypatch):
    root = class_folders(tmp_path / "one", 15)
    once = listed(root, validation=0.2)
    assert pd.Series([path.split("/")[0] for path in once["val"]]).value_counts().tolist() == [3] * 4
    shutil.copytree(root, tmp_path / "two")
    walk = os.walk
    monkeypatch.setattr("os.walk", lambda *a, **o: ((p, f, sorted(n, reverse=True)) for p, f, n in walk(*a, **o)))
    assert listed(tmp_path / "two", validation=0.2) == once
    assert once["val"] >= listed(root, validation=0.1)["val"]
    picture(root / "ant" / "new.png")  # one more of 16: three are held out, at most one of them another
    assert len(listed(root, validation=0.2)["val"] - once["val"]) <= 1
    assert sorted(once["val"])[:3] == HELD_OUT


LEFTOVERS = [".DS_Store", "._0.png", ".hidden.png", "__MACOSX/ant/._0.png", "__MACOSX/0.png", "Thumbs.db", "thumbs.db"]
LEFTOVERS += ["desktop.ini", "Desktop.ini", ".ipynb_checkpoints/0-checkpoint.png"]


@pytest.mark.parametrize("place", ["", "train", "train/ant", "val/bee"])
def test_leftovers_of_other_programs_do_not_count(tmp_path, place, caplog):
    class_folders(tmp_path / "train", 2)
    class_folders(tmp_path / "val", 1)
    before = listed(tmp_path)
    for name in LEFTOVERS:
        picture(tmp_path / place / f"{name}.png").rename(tmp_path / place / name)
    with caplog.at_level(logging.INFO):
        assert listed(tmp_path) == before
    assert "not count" not in caplog.text


def test_files_that_are_no_images_are_counted_in_the_log(tmp_path, caplog):
    class_folders(tmp_path, 4)
    for name in ("notes.txt", "more.TXT", "0.xml", "LICENSE"):
        (tmp_path / "ant" / name).write_text("no image")
    with caplog.at_level(logging.INFO):
        listed(tmp_path, validation=0.25)
    assert "4 files are no images and do not count: 2 .txt, 1 .xml, 1 no suffix" in caplog.text


def table(folder: Path, lines: str | bytes) -> Path:
    """Write a table of images that are there: ant, bee, cat and dog, 0.png to 4.png each."""
    class_folders(folder, 5)
    file = folder / "list.csv"
    file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return file


ROWS = [f"{name}/{number}.png,{name}" for name in ("ant", "bee", "cat", "dog") for number in range(5)]
LINES = "\n".join(["path,label", *ROWS]) + "\n"


def test_a_table_without_subsets_holds_out(tmp_path):
    file = table(tmp_path, LINES)
    found = listed(file, "table", 0.2)
    assert found == listed(tmp_path, validation=0.2)  # by their paths alone: the same as of folders
    files = ImageFiles("table", file, sorted(found["val"]))
    assert files.read(0) == (tmp_path / files.paths[0]).read_bytes()
    before = files.stamp(range(4))
    os.utime(tmp_path / files.paths[2], (1, 1))
    assert files.stamp(range(4)) != before


def test_a_table_with_subsets_absolute_paths_a_bom_and_windows_lines(tmp_path, caplog):
    subsets = ["Train", "training", "train", "valid", "test"] * 4
    rows = [f"{row},{subset}" for row, subset in zip(ROWS, subsets, strict=True)]
    rows[0] = f"{tmp_path}/{rows[0]}"
    rows[1] = rows[1].replace(",", " , ")
    file = table(tmp_path, b"\xef\xbb\xbf" + "\r\n".join(["Path,Label,subset", *rows, "", ""]).encode())
    with caplog.at_level(logging.INFO):
        found = listed(file, "table")
    assert (len(found["train"]), len(found["val"])) == (12, 4)
    assert f"{tmp_path}/ant/0.png" in found["train"]
    assert "val is valid" in caplog.text and "4 rows of other subsets do not count" in caplog.text


def test_labels_that_look_like_something_else_stay_text(tmp_path):
    lines = LINES.replace(",ant", ",001").replace(",bee", ",NA").replace(",cat", ",1e3").replace(",dog", ',"a, b"')
    index = index_images("table", table(tmp_path, lines), HoldOut(0.2))
    assert count_images(index).index.tolist() == ["001", "1e3", "NA", "a, b"]


def warned(root: Path, layout: str = "imagefolder", validation: float | None = 0.2) -> list[str]:
    """What may surprise about a set that has no faults."""
    _, problems = list_images(layout, root, HoldOut(validation))
    assert problems.faults == []
    return problems.warnings


def test_columns_that_do_not_count_are_a_warning_and_in_the_log(tmp_path, caplog):
    rows = "".join(f"{row},7,a|b\n" for row in ROWS)
    file = table(tmp_path, f"path,label,Age,\n{rows}")
    expected = [
        "2 columns do not count: Age, (no name); path, label and subset do, and "
        "the one that config key dataset.group names"
    ]
    assert warned(file, "table") == expected
    assert expected[0] in caplog.text


def test_a_second_column_of_subsets_is_a_warning(tmp_path):
    subsets = ["train", "train", "val", "test", "test"] * 4
    rows = "".join(f"{row},{subset},train\n" for row, subset in zip(ROWS, subsets, strict=True))
    assert warned(table(tmp_path, f"path,label,subset,split\n{rows}"), "table") == [
        "1 columns do not count: split; path, label and subset do, and the one that config key dataset.group names",
        "8 rows of other subsets do not count",
    ]


def test_the_same_folders_in_all_classes_are_a_warning(tmp_path):
    """Which of the two are the classes nobody can know."""
    for name in ("apple", "pear", "plum"):
        class_folders(tmp_path / name, 4, classes=("ill", "well"))
    assert warned(tmp_path) == [
        "apple, pear, plum are the classes, and all hold the folders ill, well; if these are the classes, put them "
        "outside"
    ]
    picture(tmp_path / "plum" / "0.png")
    assert warned(tmp_path) == []


@pytest.mark.parametrize(
    "classes",
    [("A", "a", "b"), ("fold1", "fold2"), ("bullet_train", "test_tube"), ("cat|dog", "cat"), ("caf\xe9", "cafe")],
)
def test_names_that_only_look_odd_are_classes(tmp_path, classes):
    """Handwritten letters; what would be folds or subsets if it held folders; accents that differ to the eye."""
    assert warned(class_folders(tmp_path, 5, classes=classes)) == []
    assert count_images(index_images("imagefolder", tmp_path, HoldOut(0.2))).index.tolist() == sorted(classes)


def test_one_folder_in_each_class_is_part_of_it(tmp_path):
    """As Tiny ImageNet has them; training images alone divide nothing."""
    for name, inner in (("ant", "images"), ("bee", "images"), ("cow", "train")):
        class_folders(tmp_path / name, 5, classes=(inner,))
    assert warned(tmp_path) == []
    assert count_images(index_images("imagefolder", tmp_path, HoldOut(0.2))).index.tolist() == ["ant", "bee", "cow"]
