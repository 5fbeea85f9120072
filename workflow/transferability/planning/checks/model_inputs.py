"""The inputs of the network: some images, decoded, cropped and prepared as in a test, as numbers and as a picture."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from transferability.common.atomic_files import atomic_write
from transferability.common.contact_sheet import COLUMNS, Tile, contact_sheet
from transferability.datasets.image_files import ImageFiles
from transferability.models.building import pixel_scale
from transferability.planning.checks import Finding
from transferability.store.decoding import read_image, try_to_decode
from transferability.store.square import Square
from transferability.study.architectures import IMAGENET
from transferability.study.blueprint import Blueprint
from transferability.study.model import Model
from transferability.study.study_plan import StudyPlan
from transferability.training.preprocessing import Preparation

SAMPLE = 256  # training images that the numbers are computed from
COLOURS = {"r": "red", "g": "green", "b": "blue"}
CLASSES = 64  # on the contact sheet, with COLUMNS images of each


def model_inputs(study: StudyPlan, model: Model, pixels: np.ndarray) -> torch.Tensor:
    """Return the inputs of a model's networks in a test on stored images, uint8 (images, size, size, 3), RGB.

    The result is float32 (images, 3, crop, crop), with the channels in the order of `channels`.
    """
    blueprint, settings, images = model.blueprint, study.settings(len(pixels)), torch.from_numpy(pixels)
    if blueprint.is_builtin:
        mean = images.float().mean(0).flip(-1)  # training uses the mean of all training images
        preparation = Preparation.less_mean_image(mean, pixel_scale(blueprint), settings)
    else:
        preparation = Preparation.standardised(blueprint, pixels.shape[1], settings, images.device)
    return preparation.test(images.flip(-1) if preparation.bgr else images)


def channels(model: Model) -> list[str]:
    """Return the colours of the input channels of a model, in order."""
    return [COLOURS[letter] for letter in model.blueprint.order]


def sample_of(study: StudyPlan, files: ImageFiles, index: pd.DataFrame) -> np.ndarray | None:
    """Return training images, evenly spread over the set, as they will be stored: uint8 (images, size, size, 3), RGB.

    `index` is the index of `files`. Returns None if there are no images.
    """
    rows = np.flatnonzero((index["subset"] != "val").to_numpy())
    chosen = rows[_spread(len(rows), SAMPLE)]
    pixels = list(_decoded(study, files, chosen).values())
    return np.stack(pixels) if pixels else None


def check_model_inputs(study: StudyPlan, sample: np.ndarray | None) -> Finding:
    """Report mean and deviation of the network's inputs, for a sample of training images and for ImageNet's.

    `sample` is that of `sample_of`.
    """
    if sample is None:
        return Finding("pixels", [], "no images to measure")
    start = f"mean and deviation of the network's inputs, over {len(sample)} training images: "
    numbers = [_numbers(study, name, model, sample) for name, model in study.named_models.items()]
    return Finding("pixels", [], start + "; ".join(numbers))


def _numbers(study: StudyPlan, name: str, model: Model, sample: np.ndarray) -> str:
    inputs = model_inputs(study, model, sample).double()
    means, deviations = inputs.mean((0, 2, 3)).tolist(), inputs.permute(1, 0, 2, 3).flatten(1).std(1).tolist()
    numbers = [
        f"{name} {mean:.2f} and {deviation:.2f}"
        for name, mean, deviation in zip(channels(model), means, deviations, strict=True)
    ]
    named = f"{name}: " if len(study.named_models) > 1 else ""
    return named + ", ".join(numbers) + _of_imagenet(model.blueprint)


def _of_imagenet(model: Blueprint) -> str:
    """The same numbers for ImageNet, on which most given networks were trained; "" for built-in architectures."""
    if model.is_builtin:
        return ""
    mean, std = (numbers if model.order == "rgb" else numbers[::-1] for numbers in IMAGENET)
    numbers = [
        f"{COLOURS[letter]} {(m - own) / own_std:.2f} and {s / own_std:.2f}"
        for letter, m, s, own, own_std in zip(model.order, mean, std, model.mean, model.std, strict=True)
    ]
    return f"; for ImageNet's images: {', '.join(numbers)}"


def write_contact_sheet(
    study: StudyPlan, files: ImageFiles, index: pd.DataFrame, names: Mapping[str, str], path: Path | None
) -> Finding:
    """Draw COLUMNS images of each class as the network sees them in tests: a row with a name, for at most CLASSES.

    `names` maps wnids to names; `path` is None if the results directory is not writable. Examples are spread evenly
    over the images of a class, ordered by subset and path.
    """
    if path is None:
        return Finding("contact sheet", [], "not drawn: results cannot be written")
    of_class = index.reset_index().sort_values(["subset", "path"]).groupby("wnid")["index"].agg(list)
    shown = of_class.iloc[_spread(len(of_class), CLASSES)]
    examples = {wnid: np.take(rows, _spread(len(rows), COLUMNS)) for wnid, rows in shown.items()}
    drawn = {wnid: list(_decoded(study, files, rows).values()) for wnid, rows in examples.items()}
    rows = [_row(names.get(wnid, wnid), _as_seen(study, np.stack(images))) for wnid, images in drawn.items() if images]
    if not rows:
        return Finding("contact sheet", [], "not drawn: no images to show")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        contact_sheet(rows).save(unfinished, format="PNG")
    what = f"{len(rows)} of {len(of_class)} classes, {COLUMNS} images of each,"
    return Finding("contact sheet", [], f"{path}: {what} as the network sees them; look at it")


def _spread(length: int, count: int) -> np.ndarray:
    """Return at most `count` integers, evenly spread over 0 .. length - 1."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(int))


def _decoded(study: StudyPlan, files: ImageFiles, rows: Iterable[int]) -> dict[int, np.ndarray]:
    """Return images by row, as the store will hold them, without those that cannot be decoded."""
    square = Square.of(study.config["dataset"])
    decode = partial(read_image, **asdict(square))
    images = {int(row): try_to_decode(partial(files.read, row), decode)[0] for row in rows}
    return {row: image for row, image in images.items() if image is not None}


def _as_seen(study: StudyPlan, pixels: np.ndarray) -> np.ndarray:
    """Return the part of stored images that a test uses: uint8 (images, crop, crop, 3), RGB."""
    bare = Preparation(torch.zeros(3), 1.0, False, pixels.shape[1], study.settings(len(pixels)))
    return bare.test(torch.from_numpy(pixels)).permute(0, 2, 3, 1).to(torch.uint8).numpy()


def _row(name: str, images: np.ndarray) -> list[Tile]:
    """Return the row of a class: its name is below the first image."""
    first, *others = images
    return [Tile(first, [name]), *map(Tile, others)]
