import numpy as np
import pandas as pd
import pytest
import torch

from tests.conftest import settings_of
from transferability.study.architectures import blueprint
from transferability.tasks.task import Examples, select_examples
from transferability.training import batches
from transferability.training.batches import Pixels, batch_positions
from transferability.training.preprocessing import Preparation, mean_image

CPU = torch.device("cpu")
AS_STORED = blueprint("torchvision/resnet18", {"order": "rgb", "mean": [0, 0, 0], "std": [1 / 255] * 3})


@pytest.fixture
def examples():
    store = np.random.default_rng(0).integers(0, 256, (10, 12, 12, 3), dtype=np.uint8)
    return Examples(store, np.array([1, 3, 4, 8]), np.array([0, 1, 1, 0]))


def test_examples_are_the_images_of_the_half_and_subset(examples):
    index = pd.DataFrame({"wnid": list("abcabcabca"), "subset": ["train"] * 6 + ["val"] * 4})
    manifest = pd.DataFrame({"label": [0, 1], "wnid": ["a", "c"]})
    chosen = select_examples(examples.store, index[index["subset"] == "val"], manifest)
    assert chosen.rows.tolist() == [6, 8, 9]
    assert chosen.labels.tolist() == [0, 1, 0]


def test_mean_image_is_over_the_examples_in_bgr(examples):
    expected = examples.store[[1, 3, 4, 8]].astype(float).mean(axis=0)[..., ::-1]
    assert np.allclose(mean_image(examples).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("resident", [True, False])
def test_pixels_are_the_same_from_memory_and_from_disk(examples, resident, monkeypatch):
    monkeypatch.setattr(batches, "RESIDENT_BYTES", 2**30 if resident else 0)
    pixels = Pixels(examples, CPU, bgr=True)
    assert pixels.resident == resident
    read = list(pixels.batches([torch.tensor([2, 0]), torch.tensor([3]), torch.tensor([1, 1])]))
    for (images, labels), positions in zip(read, ([2, 0], [3], [1, 1]), strict=True):
        rows = examples.rows[positions]
        assert labels.tolist() == examples.labels[positions].tolist()
        assert np.array_equal(images.numpy(), examples.store[rows][..., ::-1])


def pixels_of(examples):
    [(images, _)] = Pixels(examples, CPU, bgr=True).batches([torch.arange(len(examples))])
    return images


def test_the_test_sees_the_centre_crop_less_the_mean(examples):
    mean = mean_image(examples)
    images = pixels_of(examples)
    inputs = Preparation.less_mean_image(mean, 0.5, settings_of(input_size=8, horizontal_flip=True)).test(images)
    expected = (images.float() - mean)[:, 2:10, 2:10] * 0.5
    assert torch.equal(inputs, expected.permute(0, 3, 1, 2))


def test_training_crops_and_mirrors_each_image_on_its_own(examples):
    mean = mean_image(examples)
    images = pixels_of(examples).repeat(100, 1, 1, 1)
    torch.manual_seed(0)
    inputs = Preparation.less_mean_image(mean, 1.0, settings_of(input_size=8, horizontal_flip=True)).train(images)
    centred = (images.float() - mean).permute(0, 3, 1, 2)
    seen = set()
    for one, whole in zip(inputs, centred, strict=True):
        views = {
            (top, left, mirrored): window.flip(2) if mirrored else window
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
            for window in [whole[:, top : top + 8, left : left + 8]]
        }
        matches = [place for place, view in views.items() if torch.equal(view, one)]
        assert len(matches) == 1
        seen.update(matches)
    assert len(seen) == 50  # every place and both mirror images turn up in 400 draws


def test_resized_crops_are_rectangles_of_random_area_aspect_and_place():
    """An image that holds its own coordinates tells where each crop comes from."""
    across, down = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="xy")
    image = torch.stack([across, down, 0 * across], 2).to(torch.uint8)
    settings = settings_of(input_size=16, horizontal_flip=True, augmentation="random-resized-crop", min_crop_area=0.25)
    torch.manual_seed(0)
    crops = Preparation.standardised(AS_STORED, 64, settings, CPU).train(image.repeat(2000, 1, 1, 1))
    x, y = crops[:, 0], crops[:, 1]
    inner = slice(2, -2)  # where no border is repeated
    width, height = 16 * (x[:, :, inner].diff(dim=2).mean((1, 2))), 16 * y[:, inner].diff(dim=1).mean((1, 2))
    assert x.diff(dim=1).abs().max() < 1e-3
    assert 0.4 < (width < 0).float().mean() < 0.6  # mirrored
    area, aspect = width.abs() * height / 64**2, width.abs() / height
    assert 0.2 < area.min() < 0.3
    assert 0.9 < area.max() < 1.05
    assert 0.7 < aspect.min() < 0.8
    assert 1.25 < aspect.max() < 1.4
    assert x.min() < 1
    assert x.max() > 62


def test_nothing_is_drawn_where_there_is_nothing_to_draw(examples):
    preparation = Preparation.less_mean_image(mean_image(examples), 1.0, settings_of(input_size=12))
    images = pixels_of(examples)
    assert not preparation.random
    assert torch.equal(preparation.train(images), preparation.test(images))


@pytest.mark.parametrize(("examples_count", "batch"), [(10, 4), (10, 10), (3, 8)])
def test_batches_run_over_shuffled_epochs_and_resume_anywhere(examples_count, batch):
    whole = list(batch_positions(examples_count, batch, 0, 30, lambda epoch: epoch))
    assert all(len(positions) == batch for positions in whole)
    stream = torch.cat(whole)
    epochs = stream[: len(stream) // examples_count * examples_count].view(-1, examples_count)
    assert torch.equal(epochs.sort().values, torch.arange(examples_count).expand_as(epochs))
    assert not torch.equal(epochs[0], epochs[1])
    for start in (1, 7, 29):
        resumed = batch_positions(examples_count, batch, start, 30, lambda epoch: epoch)
        assert all(torch.equal(a, b) for a, b in zip(resumed, whole[start:], strict=True))
