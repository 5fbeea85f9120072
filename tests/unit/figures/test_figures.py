"""The figures besides Figure 2: what they show of the paper's numbers, and that they draw what there is."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from transferability.analysis.kernels import describe_kernels
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.figures.advice import draw_advice
from transferability.figures.curves import draw_curves
from transferability.figures.figure1 import draw_figure1
from transferability.figures.figure2 import draw_figure2
from transferability.figures.figure3 import draw_figure3, relative_means
from transferability.figures.figureS1 import draw_figure_s1
from transferability.figures.filters import MOST, draw_filters, groups, strongest, tile
from transferability.figures.style import LayerAxis
from transferability.results.paper import paper_accuracies
from transferability.study.network import Network

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_figure1_names_layers_by_what_they_were_trained_on():
    texts = texts_of_figure1(["BnB", "BnB+", "AnB", "AnB+"])
    layers = [text for text in texts if text.startswith("$W_")]
    assert len(layers) == 4 * 8
    assert layers[-8:] == [f"$W_{{{half}{n}}}$" for half, n in zip("AAABBBBB", range(1, 9), strict=True)]


def texts_of_figure1(treatments, given=False) -> list[str]:
    return [text.get_text() for text in draw_figure1(treatments, given).axes[0].texts]


def test_figure1_draws_what_a_study_trains_and_no_more():
    texts = texts_of_figure1(["AnB", "AnB+"], given=True)
    drawn = [text for text in texts if text in ("A", "baseA", "baseB") or "3B" in text]
    transfer, frozen, tuned = "A3B\nA3B$^+$", "frozen (A3B)", "fine-tuned (A3B$^+$)"
    assert drawn == ["A", "baseB", transfer, frozen, tuned], "selffers, or a base A, that the study does not train"
    assert "transfer: first 3 layers from A, the others new, trained on B" in texts
    one_each = texts_of_figure1(["AnB", "BnB+"])
    assert {"B3B$^+$", "A3B", "frozen (A3B)", "fine-tuned (B3B$^+$)"} <= set(one_each)


def advice(*rows: tuple) -> pd.DataFrame:
    columns = ["source", "given", "n", "treatment", "accuracy", "low", "high", "advised"]
    return pd.DataFrame(rows, columns=columns)


def test_an_interval_that_says_nothing_does_not_flatten_the_advice():
    """Two repeats: -67 to +70 points. The axis stays with the values, and an arrow says that the interval does not."""
    short, wide = ("given", "a", 3, "AnB", 0.61, 0.58, 0.64, True), ("given", "a", 5, "AnB", 0.615, 0.0, 1.0, False)
    [axes] = draw_advice(advice(short, wide)).axes
    low, high = axes.get_ylim()
    assert 50 < low < 60 and 61.5 < high < 70, "the values lie on one line"
    arrows = [label for label in axes.get_legend_handles_labels()[1] if label == "interval leaves the axis"]
    assert len(arrows) == 2  # below and above
    [axes] = draw_advice(advice(short)).axes
    assert axes.get_ylim()[0] < 58 and axes.get_ylim()[1] > 64, "a short interval is shown whole"
    assert "interval leaves the axis" not in axes.get_legend_handles_labels()[1]


def test_the_advice_has_a_panel_per_given_network_and_one_ring_for_what_is_advised():
    ends = ("An~B", 0.9, 0.8, 1.0, False)
    rows = [("given", name, n, *ends) for name in ("a", "b") for n in (0, 3)]
    rows += [("given", "b", 1, "An~B", 0.95, 0.9, 1.0, True), ("given", "a", 0, "scratch", 0.7, 0.6, 0.8, False)]
    rows += [("random", "", 1, "AnB", 0.5, np.nan, np.nan, True)]
    axes = draw_advice(advice(*rows), {"given-a-0": ("stem", "block", "head")}).axes
    assert [panel.get_title(loc="left") for panel in axes] == [
        "Layers of a",
        "Layers of b",
        "Random halves of the classes",
    ]
    labels = [panel.get_legend_handles_labels()[1] for panel in axes]
    assert ["advised" in one for one in labels] == [False, True, True]
    assert ["from scratch" in one for one in labels] == [True, False, False]
    assert all(panel.get_lines()[0].get_ydata()[0] == 95 for panel in axes[:2]), "the best mean of all given networks"
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["0", "3\nhead"]


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


PARTS = ("random-", "manmade-natural", "whole")


@pytest.mark.parametrize("splits", [some for k in (1, 2, 3) for some in combinations(PARTS, k)])
def test_figure3_has_a_panel_for_what_there_is_and_no_empty_one(splits):
    some = PAPER[PAPER["split"].str.startswith(splits)]
    panels = draw_figure3(some, "top1_best10").axes
    titles = [axes.get_title(loc="left").partition(" base")[0] for axes in panels]
    wanted = {"manmade-natural": "Man-made/natural, by target", "whole": "First n layers random"}
    assert titles == [title for split, title in wanted.items() if split in splits] + ["Relative to"]
    assert len(legend(panels[-1])) == len(splits)
    for axes in panels:
        assert any(len(line.get_xdata()) > 2 for line in axes.lines)
        assert axes.get_xlabel()
    assert all(axes.get_ylabel() for axes in (panels[0], panels[-1]))


@pytest.mark.parametrize("treatments", [[], ["base", "selffer", "reduced"]])
def test_figure3_of_nothing_says_which_keys_give_it(treatments):
    with pytest.raises(
        InputError, match=r"treatments with AnB, and experiments with random-splits, .* or random-filters"
    ):
        draw_figure3(PAPER[PAPER["treatment"].isin(treatments)], "top1_best10")


def test_figure3_leaves_the_control_out():
    network = Network("random-0", "B", "B", 8, fine_tuned=True)
    base = PAPER[(PAPER["split"] == "random-0") & (PAPER["network"] == "baseB")]
    control = base.assign(**network.facts(), control=True)
    table = pd.concat([PAPER, control], ignore_index=True)
    for axes in draw_figure3(table, "top1_best10").axes:
        assert list(axes.get_xticks()) == list(range(8))
        assert all(line.get_xdata()[-1] in (1, 7) for line in axes.lines)


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
    picture = tile(kernels, 3)
    assert picture.shape == (2 * 11 + 1, 3 * 11 + 2, 3)
    assert picture[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert picture[0, 12].tolist() == [0.5, 0.5, 0.5]
    figure = draw_filters({f"random-{k}/baseA": kernels for k in range(5)})
    assert len(figure.axes) == 8
    assert len([axes for axes in figure.axes if axes.images]) == 5


def test_kernels_stand_in_the_groups_that_the_table_names():
    kernels = np.random.default_rng(0).standard_normal((4, 3, 7, 7))
    kernels[1, :, :4], kernels[1, :, 4:] = 1, -1
    kernels[3] = np.array([1, 0, 0])[:, None, None]
    assert {name: members.tolist() for name, members in groups(kernels).items()} == {
        "edges": [1],
        "blobs": [3],
        "neither": sorted([0, 2], key=lambda k: -describe_kernels(kernels)[["gabor", "patch"]].max(axis=1)[k]),
    }
    (axes,) = draw_filters({"random-0/baseA": kernels}).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["edges\n1", "blobs\n1", "neither\n2"]


def test_of_many_kernels_the_strongest_are_drawn():
    kernels = np.ones((768, 3, 16, 16), dtype=np.float32)
    kernels[700:] = 2
    assert strongest(kernels).tolist() == [*range(MOST - 68), *range(700, 768)]
    (axes,) = draw_filters({"random-0/baseA": kernels}).axes
    assert axes.get_title() == "random-0/baseA\n768 kernels of 16 x 16\nthe 100 strongest:"
    assert axes.get_yticklabels()[0].get_text() == "neither\n100 of 768"


def test_a_figure_of_no_kernels_says_why():
    assert [text.get_text() for text in draw_filters({}, "no colours").texts] == ["no colours"]


NAMES = tuple(f"features.{k}" for k in range(60))


@pytest.mark.parametrize(
    ("numbers", "layers", "labels"),
    [
        (range(8), (), [str(n) for n in range(8)]),
        ((0, 3, 7), ("conv1", "pool", "conv2"), ["0", "3\nconv2", "7"]),
        (range(19), NAMES, ["0", *(f"features.{n - 1}  {n}" for n in range(1, 19))]),
        (range(60), NAMES, ["0", *(f"features.{n - 1}  {n}" for n in range(2, 60, 2))]),
        (range(60), (), [str(n) for n in range(0, 60, 3)]),
        ((0, 1, 2, 30, 59), (), ["0", "30", "59"]),
    ],
)
def test_as_many_n_are_labelled_as_there_is_room_for(numbers, layers, labels):
    axes = Figure().subplots()
    LayerAxis(tuple(numbers), layers).draw(axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == labels
    assert set(axes.get_xticks()) | set(axes.get_xticks(minor=True)) == set(numbers)


@pytest.mark.parametrize(
    ("numbers", "layers", "labels"),
    [
        (range(9), (), [*map(str, range(8)), "8 (all)"]),
        ((0, 3, 7, 8), ("conv1", "pool", "conv2"), ["0", "3\nconv2", "7", "8 (all)"]),
        ((0, 1, 30, 59, 60), (), ["0", "30", "60 (all)"]),
        (range(61), NAMES, ["0", *(f"features.{n - 1}  {n}" for n in range(2, 60, 2)), "60 (all)"]),
    ],
)
def test_the_n_of_all_layers_is_labelled_in_any_case(numbers, layers, labels):
    axes = Figure().subplots()
    LayerAxis(tuple(numbers), layers, all_layers=numbers[-1]).draw(axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == labels


def deep(n: list[int]) -> pd.DataFrame:
    """Made-up accuracies of networks with many layers, random splits, man-made/natural, and random filters."""
    networks = [
        Network(split, x, "B", k, plus)
        for split in ("random-0", "manmade-natural")
        for x in "AB"
        for k in n
        for plus in (False, True)
    ]
    networks += [Network(split, "B", "B") for split in ("random-0", "manmade-natural")]
    networks += [Network("whole", "all", "all"), *(Network("whole", "random", "all", k) for k in n)]
    return pd.DataFrame(
        [
            one.facts() | {"control": False, "classes": 10, "val_images": 100, "top1": 0.5 - one.n / 200}
            for one in networks
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("n", [[1, 2, 58, 59], list(range(1, 60)), [3]])
def test_networks_of_sixty_layers_are_drawn(n):
    table = deep(n)
    top, _ = draw_figure2(table, "top1", "made up", NAMES).axes
    assert sum(len(points.get_offsets()) for points in top.collections) == 4 * len(n) + 1
    panels = draw_figure3(table, "top1", NAMES).axes
    assert list(panels[2].lines[1].get_xdata()) == [0, *n]
    records = [row | {"curve": [{"iteration": 1, "top1": row["top1"]}]} for row in table.to_dict("records")]
    titles = [axes.get_title() for axes in draw_curves(records, NAMES).axes if axes.lines]
    assert titles.count(f"n = {n[-1]}\nfeatures.{n[-1] - 1}") == 3


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
