import pytest

from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.figures.figure2 import INTERPRETATIONS, draw_figure2, mean_accuracies
from transferability.figures.style import save_figure
from transferability.results.accuracies import read_accuracies
from transferability.results.paper import paper_accuracies

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")


def test_every_network_of_the_random_splits_has_its_marker():
    top, bottom = draw_figure2(PAPER, "top1_best10").axes
    markers = sum(len(points.get_offsets()) for points in top.collections)
    assert markers == PAPER["split"].str.startswith("random-").sum() == 112
    texts = {text.get_text() for text in bottom.texts}
    assert {str(number) for number in INTERPRETATIONS} <= texts


def test_means_of_the_papers_networks_are_those_of_its_figure():
    means = mean_accuracies(PAPER[PAPER["split"].str.startswith("random-")], "top1_best10")
    assert means.loc[("base", False, 0), "mean"] == pytest.approx(0.625101, abs=1e-6)
    assert means.loc[("transfer", False, 7), "mean"] == pytest.approx(0.542486, abs=1e-6)
    assert means.loc[("selffer", False, 5), "mean"] == pytest.approx(0.593490, abs=1e-6)
    assert means.loc[("transfer", False, 7), "count"] == 8


def test_a_study_with_few_treatments_can_be_drawn():
    some = PAPER[(PAPER["treatment"] == "base") | ((PAPER["treatment"] == "transfer") & ~PAPER["fine_tuned"])]
    assert len(draw_figure2(some, "top1_best10").axes) == 2
    with pytest.raises(InputError, match="no base network"):
        draw_figure2(PAPER[PAPER["treatment"] != "base"], "top1_best10")


def test_an_effect_of_the_other_sign_is_not_marked():
    better = PAPER.copy()
    better.loc[better["treatment"] == "selffer", "top1_best10"] += 0.1  # no co-adaptation lost
    figure = draw_figure2(better, "top1_best10")
    bottom = figure.axes[1]
    assert not {"2", "3"} & {text.get_text() for text in bottom.texts}
    assert "2  fragile co-adaptation: base - BnB (none)" in {text.get_text() for text in figure.legends[0].get_texts()}


def test_a_table_draws_the_same_from_its_file(tmp_path):
    PAPER.to_csv(tmp_path / "accuracy.csv", index=False)
    top, _ = draw_figure2(read_accuracies([tmp_path / "accuracy.csv"]), "top1_best10").axes
    title = "112 networks on 4 random splits, both directions"
    assert top.get_title(loc="left") == f"{title}; chance 0.002"
    unknown = PAPER.assign(classes=float("nan"))
    assert draw_figure2(unknown, "top1").axes[0].get_title(loc="left") == title


@pytest.mark.parametrize("suffix", [".pdf", ".png"])
def test_the_same_numbers_give_the_same_bytes(tmp_path, suffix):
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        save_figure(draw_figure2(PAPER, "top1_best10"), [file])
    assert files[0].read_bytes() == files[1].read_bytes()
