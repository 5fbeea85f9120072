import numpy as np
import pytest
import torch

from tests.conftest import REPOSITORY
from transferability.analysis.kernels import COLUMNS, describe_kernels, first_kernels, kernels_table, read_kernels
from transferability.jobs.assembly import Start, new_trainer
from transferability.jobs.initial_weights import initial_weights
from transferability.study.architectures import blueprint
from transferability.study.configuration import default_config
from transferability.study.network import Network
from transferability.study.study_plan import StudyPlan
from transferability.study.training_settings import read_settings

SIZES = [5, 7, 11]
JUDGED = np.load(REPOSITORY / "tests" / "data" / "judged_kernels.npz")
GREY, RED_GREEN, BLUE_YELLOW = np.array([(1, 1, 1), (1, -1, 0), (-1, -1, 2)])


def gabors(size: int, colour: np.ndarray = GREY) -> np.ndarray:
    """Gabor functions of six directions, periods of 3 pixels to twice the kernel, and four phases."""
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    envelope = np.exp(-(x**2 + y**2) / (2 * (0.4 * size) ** 2))
    waves = [
        envelope * np.cos(2 * np.pi / period * (np.cos(angle) * x + np.sin(angle) * y) + phase)
        for angle in np.pi * np.arange(6) / 6
        for period in (3, 4, size / 1.5, size, 2 * size)
        for phase in np.pi * np.arange(4) / 4
    ]
    return np.stack([colour[:, None, None] * (wave - wave.mean()) for wave in waves])


def spots(size: int, colour: np.ndarray) -> np.ndarray:
    """Gaussian spots of three widths, in the middle and beside it."""
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    places = [(width, left) for width in (0.3, 0.5, 5) for left in (-0.2, 0, 0.2)]
    shapes = [np.exp(-((x - left * size) ** 2 + y**2) / (2 * (width * size) ** 2)) for width, left in places]
    return np.stack([colour[:, None, None] * shape for shape in shapes])


def noise(size: int, count: int = 1000) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 3, size, size))


def in_noise(kernels: np.ndarray, share: float) -> np.ndarray:
    """Kernels that have so large a share of the power, and white noise the rest."""
    random = noise(kernels.shape[-1], len(kernels))
    power = [(part**2).sum(axis=(1, 2, 3), keepdims=True) for part in (kernels, random)]
    return kernels * np.sqrt(share / power[0]) + random * np.sqrt((1 - share) / power[1])


def names(kernels: np.ndarray) -> np.ndarray:
    """What kernels are told to be: edge, blob or neither."""
    table = describe_kernels(kernels)
    assert not (table["edge"] & table["blob"]).any()
    return np.select([table["edge"], table["blob"]], ["edge", "blob"], "neither")


@pytest.mark.parametrize("colour", [GREY, RED_GREEN, BLUE_YELLOW])
@pytest.mark.parametrize("size", SIZES)
def test_gabor_functions_are_edges(size, colour):
    assert (names(gabors(size, colour)) == "edge").all()


@pytest.mark.parametrize("colour", [RED_GREEN, BLUE_YELLOW, np.array([1, 0, 0]), np.array([-1, -1, 0])])
@pytest.mark.parametrize("size", SIZES)
def test_spots_and_plains_of_colour_are_blobs(size, colour):
    assert (names(spots(size, colour)) == "blob").all()


@pytest.mark.parametrize("size", SIZES)
def test_spots_and_plains_of_grey_are_neither(size):
    assert (names(spots(size, GREY)) == "neither").all()


def test_smooth_colour_without_a_direction_is_no_edge():
    y, x = np.mgrid[0:11, 0:11] - 5
    spot = np.exp(-((x / 3.7) ** 2) - (y / 5.5) ** 2)  # a little longer than wide
    assert names(RED_GREEN[None, :, None, None] * spot) == ["blob"]


@pytest.mark.parametrize("size", SIZES)
def test_noise_is_neither(size):
    assert (names(noise(size)) == "neither").all()


@pytest.mark.parametrize("size", [3, 4])
def test_even_of_small_random_kernels_few_are_either(size):
    table = describe_kernels(noise(size))
    assert table["edge"].mean() < 0.05
    assert table["blob"].mean() < 0.05


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("share", "low", "high"), [(0.2, 0, 0.1), (0.7, 0.95, 1)])
def test_an_edge_counts_once_it_stands_out_of_noise(size, share, low, high):
    assert low <= (names(in_noise(gabors(size), share)) == "edge").mean() <= high
    assert low <= (names(in_noise(spots(size, RED_GREEN), share)) == "blob").mean() <= high


def test_measure_and_eye_agree():
    seen = np.concatenate([JUDGED[f"seen{size}"] for size in SIZES])
    told = np.concatenate([names(JUDGED[f"kernels{size}"]) for size in SIZES])
    later = np.concatenate([JUDGED[f"sheet{size}"] == 2 for size in SIZES])
    assert (seen == told).mean() > 0.85
    assert (seen == told)[later].mean() > 0.8
    assert (told[seen == "neither"] == "neither").mean() > 0.95
    assert (told[seen == "edge"] == "edge").mean() > 0.85
    assert (told[seen == "blob"] == "blob").mean() > 0.7


def test_scale_changes_nothing_and_dead_kernels_are_neither():
    kernels = gabors(5)
    assert np.allclose(describe_kernels(kernels)["gabor"], describe_kernels(1e-3 * kernels)["gabor"])
    assert names(np.zeros((1, 3, 5, 5))) == ["neither"]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 7), (4, 16)])
def test_kernels_of_any_shape_are_measured(shape):
    table = describe_kernels(np.random.default_rng(1).standard_normal((50, 3, *shape)))
    assert table[["gabor", "patch", "colour"]].stack().between(0, 1 + 1e-9).all()


def test_every_kernel_of_every_network_has_a_row():
    table = kernels_table({"random-0/baseA": gabors(5), "whole/base": spots(5, RED_GREEN)}, {})
    assert list(table.columns) == COLUMNS
    assert table.groupby(["split", "network"]).size().tolist() == [120, 9]
    assert table[["edge_at_start", "blob_at_start"]].isna().all().all()


def test_kernels_stand_beside_what_they_were_before_training():
    key = "random-0/baseA"
    table = kernels_table({key: gabors(5), "given-x-0/baseA": gabors(5)}, {key: spots(5, RED_GREEN)[:1].repeat(120, 0)})
    own = table[table["split"] == "random-0"]
    assert own["edge"].all() and own["blob_at_start"].astype(bool).all() and not own["edge_at_start"].any()
    assert table.loc[table["split"] != "random-0", "edge_at_start"].isna().all()


def test_initial_weights_are_those_with_which_training_begins(task):
    """Of the workflow's own trainer, for a network of the house and one of a library."""
    for architecture in ("caffenet-mini", "timm/test_resnet"):
        config = default_config()
        config["network"]["architecture"] = architecture
        config["training"]["input_size"] = 32
        network = Network("random-1", "B", "B")
        settings = read_settings(config["training"], len(task.train))
        start = Start.from_scratch(task) if architecture == "caffenet-mini" else Start(None)
        trainer = new_trainer(
            "random-1/baseB", blueprint(architecture), task, start, settings, config["seed"], torch.device("cpu")
        )
        ours = initial_weights(StudyPlan(config), network, task.classes)
        begun = trainer.network.model.state_dict()
        assert set(ours) == set(begun)
        assert all(torch.equal(ours[name], begun[name]) for name in begun), architecture


def test_the_first_kernels_are_those_that_see_three_colours():
    kernels = gabors(5)
    others = {"conv1.bias": np.zeros(3), "conv2.weight": np.zeros((4, 12, 5, 5)), "mean": np.zeros((3, 32, 32))}
    for name in ("conv1.conv.weight", "conv_proj.weight"):
        assert first_kernels({**others, name: kernels}) is kernels
    blobs = spots(5, RED_GREEN)
    assert np.array_equal(first_kernels({"conv1.conv.weight": blobs}, bgr=True)[:, 0], blobs[:, 2])


def test_among_several_those_of_the_first_layer_are_chosen():
    tensors = {"a.weight": spots(5, RED_GREEN), "stem.conv.weight": gabors(5)}
    assert first_kernels(tensors, "stem") is tensors["stem.conv.weight"]
    for layer in ("", "head", "st"):
        assert first_kernels(tensors, layer) is None
    assert first_kernels({"fc.weight": np.zeros((3, 3))}) is None


def test_a_study_without_kernels_has_a_table_without_rows(tmp_path):
    table = kernels_table({}, {})
    table.to_csv(tmp_path / "filters.csv", index=False)
    assert list(table.columns) == COLUMNS
    assert read_kernels([tmp_path / "filters.csv"]).empty
