"""A given network becomes the base network A of its splits: imported, checked layer by layer."""

from pathlib import Path

import torch

from transferability.common.checksums import file_sha256
from transferability.jobs.weights_files import write_weights
from transferability.models.building import build_model
from transferability.models.given_weights import fitted, read_given
from transferability.models.layers import as_layers
from transferability.study.blueprint import Blueprint
from transferability.training.trainer import MEAN_IMAGE


def import_weights(file: Path, model: Blueprint, crop: int, image_size: int, name: str, product: Path) -> None:
    """Write the layers of a given network as weights of the base network `name`, "given-mine-0/baseA".

    Other arguments and errors as in `given_layers`.
    """
    write_weights(product, given_layers(file, model, crop, image_size), name, file_sha256(file))


def given_layers(file: Path, model: Blueprint, crop: int, image_size: int) -> dict[str, torch.Tensor]:
    """Return the tensors of a given network's layers, all but the classifier; of the house, its mean image as well.

    `crop` is the size of what the network sees, `image_size` that of a mean image, in pixels. Raises InputError for
    what cannot be read or does not fit, OSError.
    """
    built = build_model(model, crop, classes=2)  # of whatever classes
    mean = {MEAN_IMAGE: torch.Size((image_size, image_size, 3))} if model.is_builtin else {}
    return fitted(read_given(file), built, as_layers(built, crop), file, mean)
