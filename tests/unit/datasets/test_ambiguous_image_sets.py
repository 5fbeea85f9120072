"""Where classes or subsets lie cannot be known, or names look alike: one error, not wrong classes."""

from pathlib import Path

import pytest

from tests.unit.datasets.test_bad_image_sets import Fault, is_refused, listing
from tests.unit.datasets.test_own_images import LINES, ROWS, picture, table


def nested(*paths: str, classes=("ant", "bee")) -> Fault:
    """Three images of each class below each of these paths, in which {} stands for the class; others just once."""

    def make(folder: Path) -> tuple[Path, float]:
        for place, path in enumerate(paths):
            for name in classes if "{}" in path else ("",):
                for number in range(3):
                    picture(folder / path.format(name) / f"{number}.png", 100 * place + number)
        return folder, 0.3

    return make


COMPOSED, APART = "caf\xe9", "cafe\u0301"  # the same word, as Unicode's NFC and NFD write it


AMBIGUOUS: dict[str, tuple[Fault, str]] = {
    "subsets within classes": (
        nested("{}/train", "{}/test"),
        r"2 class folders hold subsets, which do not count there: ant/train and ant/test, bee/train and bee/test; put "
        r"the subsets outside \(train/CLASS, val/CLASS\), or list the images in a table",
    ),
    "subsets within one class": (
        nested("{}", "cow/Training", "cow/valid"),
        "1 class folders hold subsets, .*: cow/Training",
    ),
    "subsets within classes within subsets": (
        nested("train/{}/train", "train/{}/val", "val/{}"),
        "train: 2 class folders hold subsets, .*: ant/train and ant/val",
    ),
    "folds": (
        nested("fold1/{}", "fold2/{}", "fold3/{}", "fold4/{}"),
        r"fold1, fold2, fold3 and 1 more would be classes, but look like folds; put the folders of the classes outside",
    ),
    "folds of one class each": (
        nested("Split_1/ant", "Split_2/ant"),
        "Split_1, Split_2 would be classes, but look like",
    ),
    "subsets by other names": (
        nested("training_set/{}", "test_set/{}"),
        "training_set, test_set would be classes, but look like subsets; call them train and val",
    ),
    "subsets within folders called so": (
        nested("seg_train/seg_train/{}", "seg_test/seg_test/{}", "seg_pred"),
        "seg_train, seg_test would be classes, but look like subsets",
    ),
    "capitals": (
        nested("Ant", "ant", "bee"),
        "1 class names are written in ways that look alike: 'Ant' and 'ant'; write",
    ),
    "other capitals in validation": (
        nested("train/{}", "val/Ant", "val/bee"),
        r"ways that look alike: 'Ant' and 'ant'; w",
    ),
    "spaces": (nested("ant", "ant ", "bee"), "ways that look alike: 'ant' and 'ant '; write each class in one way"),
    "a class in two of Unicode's forms": (
        nested(COMPOSED, APART, "bee"),
        r"1 class names are written in ways that look alike: 'cafe\\u0301' and 'caf\\xe9'; write each class in one way",
    ),
    "another form of Unicode in validation": (
        nested("train/{}", f"train/{COMPOSED}", "val/{}", f"val/{APART}"),
        r"look alike: 'cafe\\u0301' and 'caf\\xe9'; write",
    ),
    "a file in two of Unicode's forms": (
        nested("{}", f"ant/{COMPOSED}", f"ant/{APART}"),
        r"3 file names exist in two Unicode forms: 'ant/cafe\\u0301/0\.png' and 'ant/caf\\xe9/0\.png', .*; re",
    ),
    "a path of a table in another of Unicode's forms": (
        lambda folder: (
            table(folder, LINES.replace("ant/0", f"ant/{APART}")),
            picture(folder / "ant" / f"{COMPOSED}.png") and 0.2,
        ),
        r"1 of 20 files are missing: .*; names differ from those on the disk: 'cafe\\u0301\.png' is 'caf\\xe9\.png'",
    ),
    "a path of a table in other capitals": (
        listing(LINES.replace("ant/0.png", "ant/0.PNG")),
        r"files are missing: ant/0\.PNG; .*; names differ from those on the disk: '0\.PNG' is '0\.png'",
    ),
    "a table with capitals": (listing(LINES.replace("0.png,ant", "0.png,Ant")), "look alike: 'Ant' and 'ant'; write"),
    "a path of a table twice, once absolute": (
        lambda folder: (table(folder, f"{LINES}{folder}/bee/../ant/0.png,ant\n"), 0.2),
        r"1 paths occur twice: ant/0\.png; remove one of each",
    ),
    "a table with several labels": (
        listing(LINES.replace("0.png,ant", "0.png,ant|bee").replace("1.png,cat", "1.png,cat;dog;ant")),
        r"2 labels name several classes: ant\|bee, cat;dog;ant, e\.g\. line 2; an image has one class: keep one",
    ),
    "a table with several labels of its own": (
        listing(LINES.replace("0.png,ant", '0.png,"ant, bee"')),
        r"1 labels name several classes: ant, bee, e\.g\. line 2; an image has one class",
    ),
    "a table with lists of labels": (
        listing(LINES.replace("0.png,ant", "0.png,\"['ant', 'fly']\"")),
        r"1 labels name several classes: \['ant', 'fly'\], e\.g\. line 2",
    ),
    "a table divided by another column": (
        listing("path,label,Split\n" + "".join(f"{row},{['train', 'Dev', ''][k % 3]}\n" for k, row in enumerate(ROWS))),
        r"column Split divides the images \(Dev, train\), but only a column called subset can; rename it",
    ),
    "a table with a column twice": (
        listing("path,label,Label\n" + "".join(f"{row},x\n" for row in ROWS)),
        "column label occurs twice; keep the right one",
    ),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_an_ambiguous_set_ends_in_one_error(kind, tmp_path):
    make, message = AMBIGUOUS[kind]
    root, validation = make(tmp_path)
    is_refused(root, "table" if root.suffix == ".csv" else "imagefolder", validation, message)
