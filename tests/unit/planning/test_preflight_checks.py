"""What preflight looks at beside faults of the images: splits, lengths, duplicates, what the network is fed."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.unit.datasets.test_own_images import class_folders, picture
from transferability.common.contact_sheet import CAPTION, GAP
from transferability.datasets.holding_out import HoldOut
from transferability.datasets.image_files import ImageFiles
from transferability.datasets.index import count_images, index_images
from transferability.models.architectures import caffenet_mini
from transferability.planning.checks import Finding
from transferability.planning.checks import model_inputs as checks
from transferability.planning.checks.images import check_classes, check_images
from transferability.planning.checks.network import check_network
from transferability.planning.checks.training import check_classes_and_splits, check_length, list_experiments
from transferability.planning.preflight import preflight, report
from transferability.study.configuration import complete_config
from transferability.study.study_plan import StudyPlan


def study(root, **sections) -> StudyPlan:
    """A study of the images at `root` that trains on random splits only, with changes."""
    config = {
        "results_dir": str(Path(root).with_name("results")),
        "dataset": {"root": str(root), "validation": 0.4},
        "experiments": ["random-splits"],
        "preserved": {"n": []},
        "reduced": {"examples_per_class": []},
        "device": "cpu",
    }
    for name, section in sections.items():
        config[name] = config.get(name, {}) | section if isinstance(section, dict) else section
    complete_config(config, [])
    return StudyPlan(config)


def read(study) -> tuple[ImageFiles, pd.DataFrame]:
    dataset = study.config["dataset"]
    index = index_images(dataset["layout"], checks.Path(dataset["root"]), HoldOut.of(dataset))
    return ImageFiles(dataset["layout"], checks.Path(dataset["root"]), index["path"].tolist()), index


def test_a_good_set_is_in_order_and_a_short_training_is_a_warning(tmp_path):
    root = class_folders(tmp_path / "images", 5)
    config = study(root, training={"length": "16 epochs"})
    findings, classes = preflight(config, root, 1)
    page = report(findings)
    assert "**Everything is in order.** Warnings: 1." in page
    assert "the smallest task, random-0/A, has 2 classes of 6 training and 4 validation images" in page
    assert "networks are trained for 2 iterations (updates) of 64 images, and see each image 21.3 times" in page
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
    findings, _ = preflight(study(root), root, 1)
    faults = [fault for finding in findings for fault in finding.faults]
    assert len(faults) == 1
    assert faults[0].startswith(
        "split random-0: random splits need at least 4 classes, two for each half: this set has 2"
    )
    without = study(root, experiments=[])
    findings, _ = preflight(without, root, 1)
    assert [fault for finding in findings for fault in finding.faults] == []
    assert "config key experiments: empty, nothing will be trained" in report(findings)


def test_classes_that_are_no_synsets_have_no_side(tmp_path):
    root = class_folders(tmp_path / "images", 5)
    findings, _ = preflight(study(root, experiments=["random-splits", "manmade-natural"]), root, 1)
    (fault,) = (fault for finding in findings for fault in finding.faults)
    assert "ant (ant), bee (bee), cat (cat), dog (dog)" in fault
    assert fault.endswith("or leave manmade-natural (and mixed) out of config key experiments")


def test_experiments_are_listed_with_their_numbers_of_networks():
    config = {"device": "cpu"}
    complete_config(config, [])
    note = list_experiments(StudyPlan(config)).note
    assert note.startswith("226 in all, bases shared: random-splits 120; manmade-natural 60; preserved")


def test_the_same_image_twice_is_a_warning(tmp_path):
    """In training and validation, or in two classes: one of its labels is wrong."""
    class_folders(tmp_path / "train", 5)
    class_folders(tmp_path / "val", 2, classes=("ant", "bee", "cat", "dog"))
    for number, file in enumerate((tmp_path / "val").glob("*/*.png")):
        picture(file, 100_000 + number)
    config = study(tmp_path)
    files, index = read(config)
    assert check_images(files, index, None, 1).warnings == []
    shutil.copy(tmp_path / "train" / "ant" / "3.png", tmp_path / "val" / "bee" / "copy.png")
    files, index = read(config)
    found = check_images(files, index, tmp_path / "results", 2)
    assert found.faults == []
    assert found.warnings == [
        "1 validation image also among the training images, byte for byte: val/bee/copy.png is train/ant/3.png; "
        "remove one of each",
        "1 image in two classes, byte for byte: train/ant/3.png is val/bee/copy.png; keep each in the right one",
    ]


def test_an_expected_class_by_another_form_of_unicode_is_told_so(tmp_path):
    """Missing and not expected would be the same name, twice."""
    pd.DataFrame({"wnid": ["caf\xe9", "bee"]}).to_csv(tmp_path / "expected.csv", index=False)
    counts = pd.DataFrame({"train": [5, 5], "val": [1, 1]}, index=["cafe\u0301", "Bee"])
    found = check_classes({"classes": tmp_path / "expected.csv", "train": None, "val": None}, counts)
    assert found.faults[-1] == (
        "2 expected classes under a name that looks the same: 'bee' exists as 'Bee', "
        "'caf\\xe9' exists as 'cafe\\u0301'; "
        "spell both in the same way"
    )


def test_a_file_of_several_images_is_a_warning(tmp_path):
    """A stack of a microscope, an animation; but not a phone's photograph with its preview."""
    class_folders(tmp_path, 7)
    pages = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    for name in ("moves.gif", "moves.png", "moves.webp", "stack.tif", "phone.mpo"):
        pages[0].save(tmp_path / "ant" / name, save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "ant" / "one.tif")
    files, index = read(study(tmp_path))
    assert check_images(files, index, None, 1).warnings == [
        "4 files hold several images, of which only the first is used: ant/moves.gif, ant/moves.png, ant/stack.tif and "
        "1 more; if they are separate images, save each as a file"
    ]


def test_preflight_sees_what_packing_would_refuse(tmp_path):
    """By the scale of the configuration; what was seen under another scale is looked at again."""
    class_folders(tmp_path / "images", 7)
    dark = tmp_path / "images" / "ant" / "dark.png"
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20)).save(dark)
    (tmp_path / "images" / "ant" / "bad.png").touch()  # so that notes of what is done are kept
    files, index = read(study(tmp_path / "images"))

    def told(scale) -> str:
        """What is said of the dark image."""
        return " ".join(fault for fault in check_images(files, index, tmp_path, 1, scale).faults if "dark" in fault)

    assert f"{dark} cannot be decoded: its values have 16 bits, 0 to 65535, but 98 % of them lie between" in told(
        "auto"
    )
    assert told("full") == ""
    assert "config key dataset.scale [1000, 2000]: it would be all black" in told([1000, 2000])


def test_an_odd_format_is_named(tmp_path):
    """As a placeholder among photographs is: imageNotFound.gif."""
    class_folders(tmp_path, 7)
    Image.new("RGB", (20, 20), "white").save(tmp_path / "ant" / "imageNotFound.gif")
    files, index = read(study(tmp_path))
    note = check_images(files, index, None, 1).note
    assert note == "29 of 29 can be decoded: 28 PNG, 1 GIF (ant/imageNotFound.gif)"


def test_layers_are_numbered_and_a_new_network_that_does_not_start_by_guessing_is_a_warning(monkeypatch):
    config = {"device": "cpu"}
    complete_config(config, [])
    sample = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    tasks, default = {("random-0", "A"): list("abcde"), ("random-0", "B"): list("fg")}, StudyPlan(config)
    found = check_network(default, sample, tasks)
    assert found.note.startswith("n counts 8 layers: 1 conv1, 2 conv2, 3 conv3,") and not found.warnings
    assert (
        "; the last, fc8, is the classifier, always new; the first loss of a new network with 2 classes" in found.note
    )
    build = caffenet_mini.build

    def wide(size, classes):
        network = build(size, classes)
        network.fc8.linear.filler = (1.0, 0)
        return network

    monkeypatch.setattr(caffenet_mini, "build", wide)
    [warning] = check_network(default, sample, tasks).warnings
    assert "far above that of guessing, ln(2) = 0.69" in warning and "draw them smaller in caffenet-mini" in warning
    assert not check_network(default, None, tasks).warnings and not check_network(default, sample, {}).warnings


@pytest.mark.parametrize(
    ("architecture", "colours"), [("caffenet-mini", "blue green red"), ("torchvision/resnet18", "red green blue")]
)
def test_what_the_network_is_fed_is_said_in_numbers(tmp_path, architecture, colours):
    root = class_folders(tmp_path, 10)
    config = study(root, network={"architecture": architecture, "n": [1]}, preserved={"n": []})
    files, index = read(config)
    sample = checks.sample_of(config, files, index)
    assert sample.shape == (24, 32, 32, 3)
    inputs = checks.model_inputs(config, config.main, sample)
    assert inputs.shape == (24, 3, 32, 32)
    assert checks.channels(config.main) == colours.split()
    note = checks.check_model_inputs(config, sample).note
    for place, colour in enumerate(colours.split()):
        assert f"{colour} {inputs[:, place].double().mean():.2f} and {inputs[:, place].double().std():.2f}" in note
    if architecture.startswith("torchvision"):
        expected = (sample[..., 0].mean() / 255 - 0.485) / 0.229
        assert inputs[:, 0].mean().item() == pytest.approx(expected, abs=1e-3)


def test_the_contact_sheet_shows_eight_of_each_class_as_a_test_sees_them(tmp_path):
    """The middle of the square, upright, enlarged by a whole number; evenly chosen of all images of the class."""
    for name, images in (("ant", 22), ("bee", 3)):
        (tmp_path / name).mkdir()
        for number in range(images):
            image = Image.new("RGB", (60, 40), "black")
            image.paste((10 * number, 100, 200), (10, 0, 50, 40))
            image.save(tmp_path / name / f"{number:02d}.png")
    config = study(tmp_path, dataset={"root": str(tmp_path), "validation": 0.2, "image_size": 40})
    files, index = read(config)
    path = tmp_path / "sheet" / "sheet.png"
    found = checks.write_contact_sheet(
        config, files, index, {"ant": "a name too long for its place, by far " * 9}, path
    )
    assert found.note.startswith(f"{path}: 2 of 2 classes, 8 images of each, as the network sees them")
    sheet, side = np.asarray(Image.open(path)), 3 * 32
    for row, images in enumerate((22, 3)):
        tops = GAP + row * (side + CAPTION + GAP)
        tiles = [sheet[tops : tops + side, GAP + k * (side + GAP) :][:, :side] for k in range(8)]
        assert all((tile == tile[0, 0]).all() for tile in tiles), "something beside the middle of an image"
        shown = sorted(int(tile[0, 0, 0]) // 10 for tile in tiles if tile[0, 0, 1] == 100)
        assert len(set(shown)) == min(images, 8), f"{shown} of {images} images"
        assert shown[0] < images / 4 and shown[-1] > images * 3 / 4 - 2, f"not evenly chosen of {images}: {shown}"
    checks.write_contact_sheet(config, files, index.sample(frac=1, random_state=0), {"ant": "a name " * 60}, path)
    assert np.array_equal(np.asarray(Image.open(path))[: GAP + side], sheet[: GAP + side]), "another choice"
    assert checks.write_contact_sheet(config, files, index, {}, None).note == "not drawn: results cannot be written"


def test_of_many_classes_64_are_shown(tmp_path):
    class_folders(tmp_path, 2, classes=[f"class-{k}" for k in range(70)])
    config = study(tmp_path, dataset={"root": str(tmp_path), "validation": 0.5})
    files, index = read(config)
    names = {"class-0": "crane", "class-1": "crane"}  # as two classes of ImageNet are called
    found = checks.write_contact_sheet(config, files, index, names, tmp_path / "sheet.png")
    assert "64 of 70 classes" in found.note
    assert Image.open(tmp_path / "sheet.png").height == GAP + 64 * (3 * 32 + CAPTION + GAP)


def test_names_of_files_and_classes_are_no_html_on_the_page():
    page = report([Finding("layout", ["train/<img src=x>|a: missing\n  b"], "a | <script>", ["[x](http://y)"])])
    assert "| layout | 1 | 1 | a \\| &lt;script> |" in page
    assert "1. layout: train/&lt;img src=x>\\|a: missing\n  b\n" in page and "[x]\\(http://y)" in page
