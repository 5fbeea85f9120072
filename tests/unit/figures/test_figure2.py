import pandas as pd
import pytest

from transferability.analysis.relative import relative_accuracies
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.common.tables import write_table
from transferability.figures.figure2 import INTERPRETATIONS, draw_figure2, treatment_means
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies
from transferability.results.paper import paper_accuracies
from transferability.study.network import Network

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")
STUDY = "ImageNet (ILSVRC-2012), caffenet, 450,000 iterations"
BASES = {("random-0", "A"): 0.70, ("random-0", "B"): 0.60, ("random-1", "A"): 0.72, ("random-1", "B"): 0.66}
BOOSTS = {"random-0": 0.01, "random-1": 0.03}  # of accuracy, over base


def study(n: int = 8) -> pd.DataFrame:
    """Made-up accuracies of two random splits: networks B2B+ and A2B, and the control with all n layers."""
    rows = []
    for (split, target), base in BASES.items():
        source = {"A": "B", "B": "A"}[target]
        accuracies = {
            Network(split, target, target): base,
            Network(split, target, target, 2, fine_tuned=True): base + 0.02,
            Network(split, source, target, 2): base - BOOSTS[split],
            Network(split, target, target, n, fine_tuned=True): base + BOOSTS[split],
        }
        rows += [network.facts() | {"top1": top1, "control": network.n == n} for network, top1 in accuracies.items()]
    return pd.DataFrame(rows).assign(classes=20, val_images=100)


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_network_of_the_random_splits_has_its_marker():
    top, bottom = draw_figure2(PAPER, "top1_best10", STUDY).axes
    markers = sum(len(points.get_offsets()) for points in top.collections)
    assert markers == PAPER["split"].str.startswith("random-").sum() == 112
    assert [text.get_text() for text in bottom.texts] == [str(number) for number in INTERPRETATIONS]
    labels = [text.get_text() for text in top.get_legend().get_texts()]
    assert len(labels) == 5
    assert not any("control" in label for label in labels)


def test_means_of_the_papers_networks_are_those_of_its_figure():
    randomly = PAPER[PAPER["split"].str.startswith("random-")]
    means = treatment_means(relative_accuracies(randomly, "top1_best10"))
    assert means.loc[("AnB", 7), "mean"] == pytest.approx(0.542486, abs=1e-6)
    assert means.loc[("BnB", 5), "mean"] == pytest.approx(0.593490, abs=1e-6)
    assert means.loc[("AnB", 7), "networks"] == 8
    base = draw_figure2(PAPER, "top1_best10", STUDY).axes[1].lines[0].get_ydata()[0]
    assert base == pytest.approx(0.625101, abs=1e-6)


def test_bars_are_standard_errors_of_the_paired_differences_between_splits():
    table = study()
    bars = treatment_means(relative_accuracies(table, "top1"))["bar"]
    assert bars.to_dict() == pytest.approx(
        {
            ("AnB", 2): 0.01,  # differences of -.01 and -.03: a standard deviation of .0141, by the root of two splits
            ("BnB+", 2): 0.0,  # always .02 above base, however far the bases lie from one another
            ("control", 8): 0.01,
        }
    )
    bottom = draw_figure2(table, "top1", STUDY).axes[1]
    _, _, (drawn,) = bottom.containers[-1]
    assert drawn.get_segments()[0].ravel() == pytest.approx([8, 0.69 - 0.01, 8, 0.69 + 0.01])
    one = table[table["split"] == "random-0"]
    assert treatment_means(relative_accuracies(one, "top1"))["bar"].isna().all()
    title = draw_figure2(one, "top1", STUDY).axes[1].get_title(loc="left").replace("\n", " ")
    assert "standard error between splits of the difference from the base networks of the same split" in title
    assert "none with one split" in title


@pytest.mark.parametrize("n", [8, 60])
def test_the_control_has_a_marker_of_its_own_and_is_not_joined(n):
    top, bottom = draw_figure2(study(n), "top1", STUDY).axes
    labels = [text.get_text() for text in top.get_legend().get_texts()]
    assert labels[-1] == f"control B{n}B$^+$: all layers copied, trained again"
    assert sorted(top.collections[-1].get_offsets()[:, 0]) == [n] * 4
    assert sorted(top.collections[-1].get_offsets()[:, 1]) == pytest.approx([0.61, 0.69, 0.71, 0.75])
    joined = [line for line in bottom.lines if len(line.get_xdata()) > 1 and line.get_linestyle() != "None"]
    assert [max(line.get_xdata()) for line in joined] == [
        2,
        2,
        1,
        1,
    ]  # BnB+, AnB and, from side to side, base and control
    alone = [line for line in bottom.lines if list(line.get_xdata()) == [n] and line.get_marker() == "*"]
    assert [list(line.get_ydata()) for line in alone] == [[pytest.approx(0.69)]]
    assert bottom.get_xticklabels()[-1].get_text() == f"{n} (all)"
    assert not any(paths.get_paths()[0].get_extents().x1 > 2 for paths in areas(bottom))


def areas(axes) -> list:
    """What is shaded, without the bars."""
    return [drawn for drawn in axes.collections if not hasattr(drawn, "get_segments")]


def test_a_study_with_few_treatments_can_be_drawn():
    some = PAPER[(PAPER["treatment"] == "base") | ((PAPER["treatment"] == "transfer") & ~PAPER["fine_tuned"])]
    figure = draw_figure2(some, "top1_best10", STUDY)
    assert legend(figure)[1] == "2  fragile co-adaptation: base - BnB (no such networks)"
    assert [text.get_text() for text in figure.axes[1].texts] == ["1"]
    draw_figure2(PAPER[PAPER["treatment"] == "base"], "top1_best10", STUDY)
    with pytest.raises(InputError, match="no base network"):
        draw_figure2(PAPER[PAPER["treatment"] != "base"], "top1_best10", STUDY)


def test_the_legend_says_how_large_each_difference_is():
    assert legend(draw_figure2(PAPER, "top1_best10", STUDY)) == [
        "1  base: trained on the target half alone",
        "2  fragile co-adaptation: base - BnB, +0.9 points",
        "3  fine-tuning recovers co-adaptation: BnB$^+$ - BnB, +1.0 points",
        "4  specificity of the features: BnB - AnB, +2.0 points",
        "5  transfer and fine-tuning generalise better: AnB$^+$ - base, +1.7 points",
    ]


def test_an_effect_of_the_other_sign_is_stated_and_not_marked():
    better = PAPER.copy()
    better.loc[better["treatment"] == "selffer", "top1_best10"] += 0.1  # no co-adaptation lost
    figure = draw_figure2(better, "top1_best10", STUDY)
    bottom = figure.axes[1]
    assert [text.get_text() for text in bottom.texts] == ["1", "4", "5"]
    assert len(areas(bottom)) == 2
    assert legend(figure)[1:3] == [
        "2  fragile co-adaptation: base - BnB, -9.1 points (positive at no n)",
        "3  fine-tuning recovers co-adaptation: BnB$^+$ - BnB, +1.0 points (nothing was lost)",
    ]


def test_a_table_draws_the_same_from_its_file(tmp_path):
    write_table(PAPER, tmp_path / "accuracy.csv")
    top, _ = draw_figure2(read_accuracies([tmp_path / "accuracy.csv"]), "top1_best10", STUDY).axes
    title = f"{STUDY}; 112 networks\nA and B: halves of %s classes, 4 random splits; n: layers copied"
    assert top.get_title(loc="left") == f"{title % 1000}; chance 0.002"
    unknown = PAPER.assign(classes=float("nan"))
    assert draw_figure2(unknown, "top1", STUDY).axes[0].get_title(loc="left") == title % "the"


def test_titles_stay_within_the_figure():
    figure = draw_figure2(
        study(), "top1", "my-pictures-of-many-birds, timm/convnext_femto.d1_in1k, 1,000,000 iterations"
    )
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes._left_title.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("suffix", [".pdf", ".png"])
def test_the_same_numbers_give_the_same_bytes(tmp_path, suffix):
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    table = study()
    for file in files:
        save_figure(draw_figure2(table, "top1", STUDY), [file])
    assert files[0].read_bytes() == files[1].read_bytes()
