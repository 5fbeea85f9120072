"""The figures besides Figure 2: what they show of the paper's numbers, and that they draw what there is."""

import numpy as np
import pytest

from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.figures.curves import draw_curves
from transferability.figures.figure1 import draw_figure1
from transferability.figures.figure3 import draw_figure3, relative_means
from transferability.figures.figureS1 import draw_figure_s1
from transferability.figures.filters import draw_filters, tile
from transferability.results.paper import paper_accuracies
from transferability.study.network import Network

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_figure1_names_layers_by_what_they_were_trained_on():
    texts = [text.get_text() for text in draw_figure1().axes[0].texts]
    layers = [text for text in texts if text.startswith("$W_")]
    assert len(layers) == 4 * 8
    assert layers[-8:] == [f"$W_{{{half}{n}}}$" for half, n in zip("AAABBBBB", range(1, 9), strict=True)]


def test_figure3_has_the_papers_values():
    means = relative_means(PAPER, "top1_best10")
    assert means.loc[7, "similar"] == pytest.approx(-0.0826, abs=1e-4)
    assert means.loc[7, "dissimilar"] == pytest.approx(-0.2501, abs=1e-4)
    assert means.loc[3, "random"] == pytest.approx(0.001114 - 0.5763054)
    sides, untrained, relative = draw_figure3(PAPER, "top1_best10").axes
    assert [text.get_text() for text in sides.texts] == ["man-made", "natural"]
    assert sides.lines[0].get_ydata()[0] == 0.5372440  # the man-made half's base network
    assert legend(untrained) == ["base", "random filters", "chance"]
    assert len(legend(relative)) == 3


@pytest.mark.parametrize("split", ["random-", "manmade-natural", "whole"])
def test_figure3_draws_what_there_is(split):
    some = PAPER[PAPER["split"].str.startswith(split)]
    assert len(relative_means(some, "top1_best10").columns) == 1
    draw_figure3(some, "top1_best10")
    draw_figure3(PAPER[:0], "top1_best10")


def test_figure_s1_has_every_reduced_set_on_both_scales():
    linear, log = draw_figure_s1(PAPER, "top1_best10").axes
    assert (linear.get_xscale(), log.get_xscale(), log.get_yscale()) == ("linear", "log", "log")
    assert list(log.lines[0].get_xdata()) == [1, 2, 5, 10, 25, 50, 100, 250, 500, 750, 1000, 1300]
    own = PAPER.assign(train_images=1_281_167)
    base = draw_figure_s1(own, "top1_best10").axes[0].lines[1]
    assert base.get_xdata() == pytest.approx(1281.167)
    with pytest.raises(InputError, match=r"reduced\.examples_per_class"):
        draw_figure_s1(PAPER[PAPER["treatment"] != "reduced"], "top1")


def test_kernels_become_tiles_in_rgb():
    kernels = np.zeros((5, 3, 11, 11), dtype=np.float32)
    kernels[0, 0] = 3.0  # red
    picture = tile(kernels)
    assert picture.shape == (2 * 11 + 1, 3 * 11 + 2, 3)
    assert picture[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert picture[0, 12].tolist() == [0.5, 0.5, 0.5]
    figure = draw_filters({f"random-{k}/baseA": kernels for k in range(5)})
    assert len(figure.axes) == 8
    assert len([axes for axes in figure.axes if axes.images]) == 5


def test_curves_have_a_panel_per_split_and_n():
    names = [("random-0", "baseA"), ("random-0", "A3B"), ("random-0", "A3B+"), ("random-0", "A4~1B")]
    names += [("whole", "base"), ("whole", "random3"), ("whole", "reduced-0005")]
    records = []
    for network in (Network.parse(*name) for name in names):
        record = {key: getattr(network, key) for key in ("split", "treatment", "n")} | {"network": network.name}
        curve = [{"iteration": k, "top1": k / 10} for k in (1, 2)]
        records.append(record | {"examples_per_class": network.examples, "curve": curve})
    figure = draw_curves(records)
    drawn = {axes.get_title(): len(axes.lines) for axes in figure.axes if axes.lines}
    assert set(drawn) == {"n = 0", "n = 3", "n = 4", "5 a class"}
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"base", "AnB", "AnB+", "random", "reduced"}
