"""What is wrong with people's image sets ends in one error that names file or key, and the remedy."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.datasets.test_own_images import LINES, class_folders, picture, table
from transferability.common.errors import InputError
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import index_images
from transferability.planning.checks.images import check_images

Fault = Callable[[Path], tuple[Path, float | None]]  # makes a set below a folder; returns its root and the share


def folders(change: Callable[[Path], None], validation: float | None = None) -> Fault:
    """A set with train and val of four classes, changed."""

    def make(folder: Path) -> tuple[Path, float | None]:
        class_folders(folder / "train", 3)
        class_folders(folder / "val", 2)
        change(folder)
        return folder, validation

    return make


def plain(images: int, validation: float | None, change: Callable[[Path], None] = lambda _: None, **classes) -> Fault:
    """Class folders right in the root, changed."""

    def make(folder: Path) -> tuple[Path, float | None]:
        class_folders(folder, images, **classes)
        change(folder)
        return folder, validation

    return make


def listing(lines: str | bytes, validation: float | None = 0.2) -> Fault:
    """A table with these lines."""
    return lambda folder: (table(folder, lines), validation)


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def a_file(folder: Path) -> tuple[Path, None]:
    (folder / "images").write_text("no directory")
    return folder / "images", None


BAD: dict[str, tuple[Fault, str]] = {
    "nowhere": (lambda folder: (folder / "none", None), r"none: it is not a directory; config key dataset\.root"),
    "a file for a directory": (a_file, r"images: it is not a directory; config key dataset\.root expects"),
    "an empty directory": (lambda folder: (folder, None), r"no class folders; config key dataset\.root expects a dire"),
    "no images": (folders(lambda root: emptied(root / "val" / "bee")), "val: 1 class folders without images: bee; add"),
    "a train folder without classes": (
        lambda folder: ((folder / "train").mkdir(), (folder, None))[1],
        r"train: no class folders; config key dataset\.root",
    ),
    "one class": (
        plain(4, 0.25, classes=("ant",)),
        r"ant is the only class.* add classes, or let config key dataset\.r",
    ),
    "a root too high": (
        lambda folder: (class_folders(folder / "set" / "train", 2).parents[1], 0.5),
        r"set is the only class.*or let config key dataset\.root name the directory",
    ),
    "class only in validation": (
        folders(lambda root: picture(root / "val" / "emu" / "0.png")),
        "no train images for 1 of 5 classes: emu; add them or remove the classes",
    ),
    "class only in training": (
        folders(lambda root: picture(root / "train" / "emu" / "0.png")),
        "no val images for 1 of 5 classes: emu; add them or remove the classes",
    ),
    "no validation images": (
        plain(4, None),
        r"no validation images; add a folder val .* config key dataset\.validation",
    ),
    "validation, but no training folder": (
        lambda folder: (class_folders(folder / "test", 2).parent, 0.2),
        "there is a folder test, but none called train beside it; rename the folder of training images to train",
    ),
    "one image and a share": (
        plain(4, 0.25, lambda root: picture(root / "emu" / "0.png")),
        r"dataset\.validation 0\.25 leaves no validation images for 1 of 5 classes: emu \(1 images\); add images",
    ),
    "a share that takes all": (
        plain(2, 0.9),
        r"dataset\.validation 0\.9 leaves no training images for 4 of 4 classes: ant \(2 images\), .*another share",
    ),
    "images beside the classes": (
        plain(4, 0.25, lambda root: picture(root / "stray.png")),
        r"1 images lie beside the class folders, e\.g\. stray\.png; put them into one",
    ),
    "photographs of a phone": (
        plain(4, 0.25, lambda root: (root / "ant" / "x.HEIC").write_bytes(b"ftypheic")),
        r"1 images are of kinds that Pillow does not open \(1 \.heic\), e\.g\. ant/x\.HEIC; convert them",
    ),
    "images without a suffix": (
        plain(4, 0.25, lambda root: (root / "ant" / "0.png").rename(root / "ant" / "0.download")),
        r"1 files are images without an image suffix \(1 \.download\), e\.g\. ant/0\.download; rename them",
    ),
    "a table that is none": (lambda folder: (folder, None), r"it is not a CSV file; config key dataset\.root"),
    "an empty table": (listing(b""), "no column path and label; it has nothing, and needs path,label"),
    "a table with a header only": (listing("path,label\n"), "no images found in table layout"),
    "missing columns": (
        listing(LINES.replace("path,label", "file,label")),
        "no column path; it has file,label, and needs",
    ),
    "semicolons": (
        listing(LINES.replace(",", ";")),
        "no column path and label; it has path;label, and needs path,label",
    ),
    "missing files": (
        listing(LINES.replace("bee/", "bees/")),
        r"5 of 20 files are missing: bees/0\.png, bees/1\.png, bees/2\.png and 2 more; paths are below .*, or absolute",
    ),
    "a path twice": (listing(f"{LINES}./ant/0.png,ant\n"), r"1 paths occur twice: ant/0\.png; remove one of each"),
    "a path with two labels": (
        listing(f"{LINES}ant/0.png,bee\n"),
        r"1 paths have two labels: ant/0\.png; keep the right",
    ),
    "empty labels": (
        listing(LINES.replace("0.png,ant", "0.png, ")),
        "1 rows without label, e.g. line 2; fill in or remove",
    ),
    "unknown subset": (
        listing("path,label,subset\nant/0.png,ant,train\nbee/0.png,bee,vall\n"),
        "unknown subset: vall; accepted: train, training, val, validation, valid, test",
    ),
    "empty subset": (
        listing("path,label,subset\nant/0.png,ant,train\nbee/0.png,bee,\n"),
        "1 rows without subset, e.g. line 3; fill in or remove them",
    ),
    "not UTF-8": (
        listing(LINES.replace("ant", "façade").encode("latin-1")),
        "byte 13 is not UTF-8; save it as CSV in UTF-8",
    ),
    "a comma too many": (listing(f"{LINES}ant/0.png,ant,red\n"), "1 lines without 2 cells, e.g. line 22; put quotes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_set_ends_in_one_error(kind, tmp_path):
    make, message = BAD[kind]
    root, validation = make(tmp_path)
    is_refused(root, "table" if root.suffix == ".csv" or "a table" in kind else "imagefolder", validation, message)


def is_refused(root: Path, layout: str, validation: float | None, message: str) -> None:
    """Assert that a set ends in one error, of one line."""
    with pytest.raises(InputError, match=message) as error:
        index_images(layout, root, HoldOut(validation))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{root}: ")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("place", ["", "train", "val/ant"])
def test_a_folder_that_may_not_be_read_is_named(tmp_path, place):
    root, _ = folders(lambda _: None)(tmp_path / "images")
    (root / place).chmod(0)
    try:
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); make it readable"):
            index_images("imagefolder", root)
    finally:
        (root / place).chmod(0o700)


def test_a_folder_that_cannot_be_read_is_one_fault(tmp_path, monkeypatch):
    """As root, who may read everything: the system refuses."""
    root, _ = folders(lambda _: None)(tmp_path / "images")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("val/ant"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match=r"val/ant cannot be read \(Permission denied\); make it readable"):
        index_images("imagefolder", root)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>404</html>", "it is a web page or other markup"),
        (None, "it is truncated: it ends at byte 100"),
    ],
)
def test_a_file_that_is_no_image_is_named_with_what_is_wrong(tmp_path, content, reason):
    root, _ = folders(lambda _: None)(tmp_path / "images")
    file = picture(root / "train" / "ant" / "bad.jpg")
    file.write_bytes(file.read_bytes()[:100] if content is None else content)
    index = index_images("imagefolder", root)
    files = ImageFiles("imagefolder", root, index["path"].tolist())
    found = check_images(files, index, None, 1)
    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"{file} cannot be decoded: {reason}")
