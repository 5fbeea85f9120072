"""What preflight looks at beside faults of the images: splits, lengths, duplicates, what the network is fed."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import count_images, index_images
from transferability.planning.checks import fed
from transferability.planning.checks.images import check_images
from transferability.planning.checks.training import check_classes_and_splits, check_length, list_experiments
from transferability.planning.preflight import preflight, report
from transferability.study.configuration import complete_config

from .test_own_images import class_folders, picture


def study(root, **sections) -> dict:
    """A configuration for the images at `root` that trains on random splits only, with changes."""
    config = {
        "dataset": {"root": str(root), "validation": 0.4},
        "splits": {"random": 2, "manmade_natural": False},
        "preserved": {"n": []},
        "reduced": {"examples_per_class": []},
        "random_filters": False,
        "device": "cpu",
    }
    for name, section in sections.items():
        config[name] = config.get(name, {}) | section if isinstance(section, dict) else section
    complete_config(config, [])
    return config


def read(config) -> tuple[ImageFiles, pd.DataFrame]:
    dataset = config["dataset"]
    index = index_images(dataset["layout"], fed.Path(dataset["root"]), dataset["validation"])
    return ImageFiles(dataset["layout"], fed.Path(dataset["root"]), index["path"].tolist()), index


def test_a_good_set_is_in_order_and_a_short_training_is_a_warning(tmp_path):
    root = class_folders(tmp_path / "images", 5)
    config = study(root, training={"length": "16 epochs"})
    findings, classes = preflight(config, root, tmp_path / "results", 1)
    page = report(findings)
    assert "**Everything is in order.** Warnings: 1." in page
    assert "the smallest task, random-0/A, has 2 classes of 6 training and 4 validation images" in page
    assert "its networks get 2 iterations, an update each, of 64 images, so that they see each image 21.3 times" in page
    assert "- warning: training: 2 iterations for the smallest task leave networks that have hardly learned" in page
    assert classes["train"].tolist() == [3] * 4
    assert (tmp_path / "results" / "preflight" / "contact-sheet.png").exists()


def test_a_training_of_some_length_is_no_warning(tmp_path):
    config = study(class_folders(tmp_path, 5), training={"length": "500 iterations"})
    counts = count_images(read(config)[1])
    _, tasks, _ = check_classes_and_splits(config, counts)
    assert check_length(config, tasks, counts).warnings == []


def test_all_splits_are_tried(tmp_path):
    root = class_folders(tmp_path / "images", 5, classes=("ant", "bee"))
    findings, _ = preflight(study(root), root, tmp_path / "results", 1)
    faults = [fault for finding in findings for fault in finding.faults]
    assert len(faults) == 1
    assert faults[0].startswith(
        "split random-0: random splits need at least 4 classes, two for each half: this set has 2"
    )
    without = study(root, splits={"random": 0})
    findings, _ = preflight(without, root, tmp_path / "results", 1)
    assert [fault for finding in findings for fault in finding.faults] == []
    assert "the configuration leaves all experiments out: nothing will be trained" in report(findings)


def test_classes_that_are_no_synsets_have_no_side(tmp_path):
    root = class_folders(tmp_path / "images", 5)
    findings, _ = preflight(study(root, splits={"manmade_natural": True}), root, tmp_path / "results", 1)
    (fault,) = (fault for finding in findings for fault in finding.faults)
    assert "ant (ant), bee (bee), cat (cat), dog (dog)" in fault
    assert fault.endswith("or do without this split: splits: {manmade_natural: false}")


def test_experiments_are_listed_with_the_keys_that_leave_them_out():
    config = {"device": "cpu"}
    complete_config(config, [])
    note = list_experiments(config).note
    assert note.startswith("226 in all, bases shared: random-splits 120 (splits.random: 0 leaves it out); manmade-")
    for key in ("manmade_natural: false", "preserved.n: []", "random_filters: false", "reduced.examples_per_class: []"):
        assert f"{key} leaves it out" in note


def test_the_same_image_in_training_and_validation_is_a_warning(tmp_path):
    class_folders(tmp_path / "train", 5)
    class_folders(tmp_path / "val", 2, classes=("ant", "bee", "cat", "dog"))
    for number, file in enumerate((tmp_path / "val").glob("*/*.png")):
        picture(file, 100_000 + number)
    config = study(tmp_path)
    files, index = read(config)
    assert check_images(files, index["subset"].tolist(), None, 1).warnings == []
    shutil.copy(tmp_path / "train" / "ant" / "3.png", tmp_path / "val" / "bee" / "copy.png")
    files, index = read(config)
    found = check_images(files, index["subset"].tolist(), tmp_path / "results", 2)
    assert found.faults == []
    assert found.warnings == [
        "1 validation image also among the training images, byte for byte: val/bee/copy.png is train/ant/3.png; "
        "remove one of each"
    ]


def test_an_odd_format_is_named(tmp_path):
    """As a placeholder among photographs is: imageNotFound.gif."""
    class_folders(tmp_path, 7)
    Image.new("RGB", (20, 20), "white").save(tmp_path / "ant" / "imageNotFound.gif")
    files, index = read(study(tmp_path))
    note = check_images(files, index["subset"].tolist(), None, 1).note
    assert note == "29 of 29 can be decoded: 28 PNG, 1 GIF (ant/imageNotFound.gif)"


@pytest.mark.parametrize(
    ("architecture", "colours"), [("caffenet-mini", "blue green red"), ("torchvision/resnet18", "red green blue")]
)
def test_what_the_network_is_fed_is_said_in_numbers(tmp_path, architecture, colours):
    root = class_folders(tmp_path, 10)
    config = study(root, network={"architecture": architecture, "n": [1]}, preserved={"n": []})
    files, index = read(config)
    sample = fed.sample_of(config, files, index)
    assert sample.shape == (24, 32, 32, 3)
    inputs = fed.what_is_fed(config, sample)
    assert inputs.shape == (24, 3, 32, 32)
    assert fed.channels(config) == colours.split()
    note = fed.check_fed(config, sample).note
    for place, colour in enumerate(colours.split()):
        assert f"{colour} {inputs[:, place].double().mean():.2f} and {inputs[:, place].double().std():.2f}" in note
    if architecture.startswith("torchvision"):
        expected = (sample[..., 0].mean() / 255 - 0.485) / 0.229
        assert inputs[:, 0].mean().item() == pytest.approx(expected, abs=1e-3)


def test_the_contact_sheet_shows_what_a_test_sees(tmp_path):
    """The middle of the square, upright, one image of each class, enlarged by a whole number."""
    for name, colour in (("ant", "red"), ("bee", "green"), ("cat", "blue"), ("dog", "white")):
        for number in range(5):
            (tmp_path / name).mkdir(exist_ok=True)
            image = Image.new("RGB", (60, 40), "black")
            image.paste(colour, (10, 0, 50, 40))
            image.save(tmp_path / name / f"{number}.png")
    config = study(tmp_path, dataset={"root": str(tmp_path), "validation": 0.2, "image_size": 40})
    files, index = read(config)
    path = tmp_path / "sheet" / "sheet.png"
    found = fed.write_contact_sheet(config, files, index, {"ant": "a name too long for its place, by far"}, path)
    assert found.note.startswith(f"{path}: 4 of 4 classes")
    sheet = np.asarray(Image.open(path))
    side = 3 * 32
    for place, colour in enumerate([(255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)]):
        left = fed.GAP + place * (side + fed.GAP)
        assert (sheet[fed.GAP : fed.GAP + side, left : left + side] == colour).all()
    assert fed.write_contact_sheet(config, files, index, {}, None).note == "not drawn: results cannot be written"


def test_of_many_classes_64_are_shown(tmp_path):
    class_folders(tmp_path, 2, classes=[f"class-{k}" for k in range(70)])
    config = study(tmp_path, dataset={"root": str(tmp_path), "validation": 0.5})
    files, index = read(config)
    found = fed.write_contact_sheet(config, files, index, {}, tmp_path / "sheet.png")
    assert "64 of 70 classes" in found.note
