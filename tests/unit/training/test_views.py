"""Crops and mirrors that are drawn once, the same for all networks on the same images."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import settings_of
from transferability.jobs.assembly import Start, new_trainer
from transferability.study.architectures import blueprint
from transferability.training import features
from transferability.training.batches import Pixels, batch_positions
from transferability.training.preprocessing import Preparation
from transferability.training.trainer import Trainer
from transferability.training.views import Views

CPU = torch.device("cpu")
AUGMENTATIONS = [
    {"horizontal_flip": True},
    {"horizontal_flip": False},
    {"horizontal_flip": True, "augmentation": "random-resized-crop"},
]


def trainer_of(task, start, name="random-0/A3B", **changes) -> Trainer:
    how = {"iterations": 18, "evaluate_every": 6, "batch_size": 32, "horizontal_flip": True, "views": 4} | changes
    settings = settings_of(learning_rate=0.01, input_size=32, **how)
    return new_trainer(name, blueprint("caffenet-mini"), task, start, settings, 0, CPU)


def trained(*arguments, **changes) -> Trainer:
    trainer = trainer_of(*arguments, **changes)
    trainer.run(lambda _: None, lambda *_: None)
    return trainer


@pytest.fixture(scope="module")
def base(task):
    return trained(task, Start.from_scratch(task), "random-0/baseA").result()


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_a_view_is_what_its_draws_say_in_whatever_batch(task, augmentation):
    """A crop is cut out again here, by slices; a resized one is what the preparation makes of the image alone."""
    settings = settings_of(input_size=32, **augmentation)
    preparation = Preparation(torch.zeros(3), 1.0, False, 36, settings)
    pixels, images = Pixels(task.train, CPU, False), len(task.train)
    draws = torch.cat([preparation.draw(images, CPU, torch.Generator().manual_seed(view)) for view in range(3)], 1)
    places = torch.tensor([5, images + 5, 2 * images + 7, 3])
    [(seen, labels)] = Views(pixels, draws, preparation.train).batches([places])
    assert labels.tolist() == task.train.labels[[5, 5, 7, 3]].tolist()
    for view, place in zip(seen, places.tolist(), strict=True):
        image = torch.from_numpy(task.train.store[[place % images]])
        if "augmentation" in augmentation:
            assert torch.equal(view, preparation.train(image, draws[:, [place]])[0])
        else:
            top, left, mirrored = draws[:, place].tolist()
            crop = image[0, top : top + 32, left : left + 32].float().permute(2, 0, 1)
            assert torch.equal(view, crop.flip(2) if mirrored else crop)
    assert not torch.equal(draws[:, :images], draws[:, images : 2 * images]), "views repeat each other"


def test_epochs_take_one_view_after_the_other(task):
    batches = torch.cat(list(batch_positions(10, 4, 0, 10, lambda epoch: epoch, views=3)))
    plain = torch.cat(list(batch_positions(10, 4, 0, 10, lambda epoch: epoch)))
    for epoch, view in enumerate([0, 1, 2, 0]):
        assert torch.equal(batches[10 * epoch :][:10], 10 * view + plain[10 * epoch :][:10])


def test_all_networks_on_the_same_images_see_the_same_views(task, base):
    scratch, tuned, other = (
        trainer_of(task, start, name)
        for start, name in (
            (Start.from_scratch(task), "random-0/baseB"),
            (Start.from_base(base, 3, 0), "random-0/A3B+"),
            (Start.from_scratch(task), "random-1/baseB"),
        )
    )
    seen = [torch.cat([batch for batch, _ in t._train.batches([torch.arange(384)])]) for t in (scratch, tuned, other)]
    assert scratch._preparation.mean.equal(base["mean_image"])
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2]), "another repeat has other views"


@pytest.mark.parametrize(
    ("frozen", "augmentation"), [(2, AUGMENTATIONS[0]), (7, AUGMENTATIONS[0]), (0, AUGMENTATIONS[2])]
)
def test_features_of_views_are_kept_or_computed_again_with_the_same_result(
    task, base, frozen, augmentation, monkeypatch
):
    """To the bit: both compute them in batches of one size. Layers 6 and 7 have dropout, and are in no features."""
    kept = trained(task, Start.from_base(base, 7, frozen), **augmentation)
    assert len(kept._train._features) == 4 * 96
    monkeypatch.setattr(features, "FEATURE_BYTES", 0)
    again = trained(task, Start.from_base(base, 7, frozen), **augmentation)
    assert again._train._features is None
    assert again.curve == kept.curve
    for key, tensor in kept.result().items():
        assert torch.equal(tensor, again.result()[key]), key


def test_views_of_images_without_augmentation_change_nothing(task):
    small = replace(task, **{part: centre(getattr(task, part)) for part in ("train", "val")})
    curves = [trained(small, Start.from_scratch(small), horizontal_flip=False, views=v).curve for v in (None, 4)]
    assert curves[0] == curves[1]


def centre(examples):
    return replace(examples, store=examples.store[:, 2:34, 2:34])
