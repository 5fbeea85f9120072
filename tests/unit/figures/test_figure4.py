"""Figure 4: a panel for each n with a point for each split, and one with the slopes."""

import pytest

from simulated_studies import DISTANCES, simulate_distances
from transferability.analysis.distance import distance_table
from transferability.common.errors import InputError
from transferability.figures.figure4 import PANELS, draw_figure4
from transferability.figures.style import save_figure


def test_every_n_has_a_panel_and_every_split_a_point():
    table = simulate_distances(0.05, 0, images=100, layers=(1, 3, 7))
    *panels, slopes = (axes for axes in draw_figure4(table).axes if axes.axison)
    assert [axes.get_title(loc="left") for axes in panels] == ["n = 1", "n = 3", "n = 7"]
    for axes in panels:
        assert sum(len(points.get_offsets()) for points in axes.collections[1:]) == len(DISTANCES)
        assert len(axes.lines) == 2  # the fitted line, and zero
    drawn = slopes.containers[0][0].get_ydata()
    assert drawn == pytest.approx(100 * distance_table(table)["slope"][:3])


def test_what_is_drawn_is_the_mean_of_both_directions_in_points():
    table = simulate_distances(0.05, 0, images=100, layers=(7,))
    axes = draw_figure4(table).axes[0]
    heights = {height for points in axes.collections[1:] for _, height in points.get_offsets().tolist()}
    expected = 100 * table.groupby("split")["loss"].mean()
    assert sorted(heights) == pytest.approx(sorted(expected))


def test_of_many_n_some_panels_are_drawn_and_all_slopes():
    table = simulate_distances(0.05, 0, images=60, layers=range(1, 20))
    shown = [axes for axes in draw_figure4(table).axes if axes.axison]
    assert len(shown) == PANELS + 1
    assert len(shown[-1].containers[0][0].get_ydata()) == 19


def test_two_splits_have_points_but_no_line_and_none_is_an_error():
    table = simulate_distances(0.05, 0, {"random-0": 0.55, "manmade-natural": 0.66}, images=100, layers=(7,))
    assert len(draw_figure4(table).axes[0].lines) == 1
    with pytest.raises(InputError, match=r"figure4: .*experiments with manmade-natural or mixed"):
        draw_figure4(table[:0])


def test_the_same_table_gives_the_same_bytes(tmp_path):
    table = simulate_distances(0.05, 0, images=100, layers=(3, 7))
    for name in ("one", "other"):
        save_figure(draw_figure4(table), [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"])
    for suffix in ("pdf", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"other.{suffix}").read_bytes()
