"""The mistakes of the advised arm: counts by hand, beside scikit-learn's definitions, and the pages and sheets."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from transferability.analysis.mistakes import class_table, confused_pairs, mistakes_of
from transferability.analysis.mistakes_pages import mistakes_sections
from transferability.common.contact_sheet import CAPTION, GAP
from transferability.common.errors import InputError
from transferability.common.pages import write_pages
from transferability.figures.mistakes import draw_confusion, draw_mistakes
from transferability.figures.style import save_figure
from transferability.results.advised import Advised, read_advised

INDEX = pd.DataFrame({"path": [f"val/{k}.jpg" for k in range(4)], "wnid": ["ant", "ant", "bee", "=1+<b>|"]})
ARM = Advised("net", "A3B", 0.03)
# Answers to images 0 to 3, with confidences, by two repeats of the arm, one of the other arms, and another network's.
ANSWERS = {
    ("given-net-0", "A3B"): (["ant", "bee", "ant", "bee"], [0.9, 0.6, 0.8, 0.7]),
    ("given-net-1", "A3B"): (["bee", "bee", "ant", "=1+<b>|"], [0.5, 0.8, 0.7, 0.9]),
    ("given-net-0", "baseB"): (["ant", "ant", "ant", "ant"], [0.9, 0.9, 0.9, 0.9]),
    ("given-other-0", "A3B"): (["bee", "ant", "ant", "ant"], [0.9, 0.9, 0.9, 0.9]),
}


def outcomes():
    tables = [
        INDEX.assign(split=split, network=network, row=range(4), predicted=predicted, confidence=confidence)
        for (split, network), (predicted, confidence) in ANSWERS.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(right=table["predicted"] == table["wnid"]).drop(columns="path")


def test_images_that_more_repeats_get_wrong_come_first_then_the_most_confident():
    found = mistakes_of(ARM, outcomes(), INDEX)
    assert len(found.tests) == 8
    assert found.images["path"].tolist() == ["val/2.jpg", "val/1.jpg", "val/3.jpg", "val/0.jpg"]
    assert found.images["predicted"].tolist() == ["ant", "bee", "bee", "bee"]
    assert found.images["confidence"].tolist() == pytest.approx([0.75, 0.7, 0.7, 0.5])
    assert found.images["wrong"].tolist() == [2, 2, 1, 1] and set(found.images["tests"]) == {2}
    assert found.images["arms_wrong"].tolist() == [3, 1, 3, 2] and set(found.images["arms"]) == {3}
    assert found.by_all["path"].tolist() == ["val/2.jpg", "val/3.jpg"]


def test_an_arm_without_mistakes_has_a_page(tmp_path):
    table = outcomes()
    table["predicted"], table["right"] = table["wnid"], True
    found = mistakes_of(ARM, table, INDEX)
    assert found.images.empty and found.by_all.empty and len(found.tests) == 8
    names = pd.Series(INDEX["wnid"].unique(), INDEX["wnid"].unique())
    sheet = draw_mistakes(found.images, np.zeros((4, 8, 8, 3), np.uint8), names)
    assert isinstance(sheet, Image.Image)
    save_figure(draw_confusion(found.tests, names), [tmp_path / "confusion.png"])
    sections = mistakes_sections(ARM, found, names, *(tmp_path / f"{name}.png" for name in ("confusion", "a", "b")))
    write_pages(found.images, sections, [tmp_path / "mistakes.md", tmp_path / "mistakes.csv"])
    assert "Mistakes of A3B of net" in (tmp_path / "mistakes.md").read_text()


def test_recall_and_precision_are_those_of_the_definitions():
    tests = mistakes_of(ARM, outcomes(), INDEX).tests
    table = class_table(tests).set_index("class")
    for wnid, row in table.iterrows():
        both = ((tests["wnid"] == wnid) & (tests["predicted"] == wnid)).sum()
        assert row["right"] == both and row["recall"] == both / (tests["wnid"] == wnid).sum()
        assert row["precision"] == both / (tests["predicted"] == wnid).sum()
        assert row["images"] == (INDEX["wnid"] == wnid).sum() and row["tests"] == 2 * row["images"]
    pairs = confused_pairs(tests)
    assert pairs.iloc[0].tolist() == ["ant", "bee", 3, 0.75] and pairs["tests"].sum() == (~tests["right"]).sum()


def test_an_arm_of_all_given_networks_has_the_repeats_of_all():
    assert mistakes_of(Advised("", "A3B", None), outcomes(), INDEX).tests["split"].nunique() == 3


def test_the_advised_arm_is_read_and_a_table_without_one_is_an_error(tmp_path):
    rows = [("random", "", "A9B", True, 0.5), ("given", "", "baseB", False, 0.3), ("given", "net", "A3B", True, 0.03)]
    table = pd.DataFrame(rows, columns=["source", "given", "network", "advised", "loss_bound"])
    table.to_csv(tmp_path / "advice.csv", index=False)
    assert read_advised(tmp_path / "advice.csv") == ARM
    for bad, wrong in (
        (table.iloc[:2], "no layers of a given network are copied; add An~B"),
        (table.drop(columns="advised"), "no column advised"),
    ):
        bad.to_csv(tmp_path / "advice.csv", index=False)
        with pytest.raises(InputError, match=wrong):
            read_advised(tmp_path / "advice.csv")


def test_pages_and_figures_show_the_names_of_strangers_literally(tmp_path):
    found = mistakes_of(ARM, outcomes(), INDEX)
    names = {wnid: f"{wnid} $x^$\n" for wnid in INDEX["wnid"]}
    figure, sheet = tmp_path / "confusion.png", tmp_path / "sheet.png"
    save_figure(draw_confusion(found.tests, names), [figure])
    store = np.stack([np.full((40, 40, 3), 60 * row, np.uint8) for row in range(4)])
    drawn = draw_mistakes(found.images, store, names)
    drawn.save(sheet)
    assert drawn.height == 2 * GAP + 80 + 3 * CAPTION
    assert [drawn.getpixel((GAP + k * (80 + GAP), GAP))[0] for k in range(4)] == [120, 60, 180, 0]
    assert isinstance(draw_mistakes(found.images[:0], store, names), Image.Image)
    sections = mistakes_sections(ARM, found, names, figure, sheet, sheet)
    write_pages(found.images, sections, [tmp_path / f"mistakes.{kind}" for kind in ("csv", "md", "html")])
    csv, page, html = ((tmp_path / f"mistakes.{kind}").read_text() for kind in ("csv", "md", "html"))
    assert "val/3.jpg,'=1+<b>|,bee," in csv
    assert "=1+&lt;b>\\| $x^$" in page and "<b>" not in page.replace("&lt;b>", "")
    assert "2 of its 8 answers are right (25.0 %), over 4 photographs and 2 repeats." in page
    assert "wrong at least once: 4; in all arms of the study: 2." in page
    assert "&lt;b&gt;" in html and html.count("data:image/png") == 3


def test_of_many_classes_the_matrix_has_those_with_mistakes():
    names = [f"class-{k:02d}" for k in range(40)]
    predicted = ["class-39", *names[1:]]
    tests = pd.DataFrame({"wnid": names, "predicted": predicted, "right": np.array(names) == predicted})
    axes = draw_confusion(tests, dict(zip(names, names, strict=True))).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert len(shown) == 24 and {"class-00", "class-39"} <= set(shown) and "24 of 40 classes" in axes.get_ylabel()
