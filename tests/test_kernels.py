import numpy as np
import pytest

from transferability.analysis.kernels import describe_kernels, first_kernels, kernels_table, read_kernels

SIZES = [5, 11]


def gratings(size: int, count: int = 12) -> np.ndarray:
    """Grey gratings of every direction."""
    y, x = np.mgrid[0:size, 0:size] - size // 2
    waves = [np.sin(2 * np.pi / 5 * (np.cos(a) * x + np.sin(a) * y)) for a in np.pi * np.arange(count) / count]
    return np.stack([np.stack([wave] * 3) for wave in waves])


def colour_blobs(size: int) -> np.ndarray:
    """Smooth spots, one colour against another."""
    y, x = np.mgrid[0:size, 0:size] - size // 2
    spot = np.exp(-(x**2 + y**2) / (size / 3) ** 2)
    return np.stack([np.stack([np.roll((1, -0.5, -0.5), k)[c] * spot for c in range(3)]) for k in range(3)])


@pytest.mark.parametrize("size", SIZES)
def test_gratings_are_edges_and_spots_of_colour_are_blobs(size):
    edges, blobs = describe_kernels(gratings(size)), describe_kernels(colour_blobs(size))
    assert edges["edge"].all() and not edges["blob"].any()
    assert blobs["blob"].all() and not blobs["edge"].any()


def test_smooth_colour_without_a_direction_is_no_edge():
    y, x = np.mgrid[0:11, 0:11] - 5
    spot = np.exp(-((x / 3.7) ** 2) - (y / 5.5) ** 2)  # a little longer than wide
    kernels = np.stack([np.stack([spot, -0.5 * spot, -0.5 * spot])])
    assert describe_kernels(kernels)[["edge", "blob"]].to_numpy().tolist() == [[False, True]]


@pytest.mark.parametrize("size", SIZES)
def test_random_kernels_are_either_in_one_of_twenty(size):
    table = describe_kernels(np.random.default_rng(1).standard_normal((2000, 3, size, size)))
    assert table["edge"].mean() == pytest.approx(0.05, abs=0.02)
    assert table["blob"].mean() == pytest.approx(0.05, abs=0.02)


def test_scale_changes_nothing_and_dead_kernels_are_neither():
    kernels = gratings(5)
    assert np.allclose(describe_kernels(kernels)["orientation"], describe_kernels(1e-3 * kernels)["orientation"])
    assert not describe_kernels(np.zeros((1, 3, 5, 5)))[["edge", "blob"]].to_numpy().any()


def test_every_kernel_of_every_network_has_a_row():
    table = kernels_table({"random-0/baseA": gratings(5), "whole/base": colour_blobs(5)})
    assert list(table.columns) == ["split", "network", "kernel", "orientation", "colour", "edge", "blob"]
    assert table.groupby(["split", "network"]).size().tolist() == [12, 3]


def test_the_first_kernels_are_those_that_see_three_colours():
    kernels = gratings(5)
    others = {"conv1.bias": np.zeros(3), "conv2.weight": np.zeros((4, 12, 5, 5)), "mean": np.zeros((3, 32, 32))}
    for name in ("conv1.conv.weight", "conv_proj.weight"):
        assert first_kernels({**others, name: kernels}) is kernels
    blobs = colour_blobs(5)
    assert np.array_equal(first_kernels({"conv1.conv.weight": blobs}, bgr=True)[:, 0], blobs[:, 2])


def test_among_several_those_of_the_first_layer_are_chosen():
    tensors = {"a.weight": colour_blobs(5), "stem.conv.weight": gratings(5)}
    assert first_kernels(tensors, "stem") is tensors["stem.conv.weight"]
    for layer in ("", "head", "st"):
        assert first_kernels(tensors, layer) is None
    assert first_kernels({"fc.weight": np.zeros((3, 3))}) is None


def test_a_study_without_kernels_has_a_table_without_rows(tmp_path):
    table = kernels_table({})
    table.to_csv(tmp_path / "filters.csv", index=False)
    assert list(table.columns) == ["split", "network", "kernel", "orientation", "colour", "edge", "blob"]
    assert read_kernels([tmp_path / "filters.csv"]).empty
