"""Import of a given network as the base network A of its splits, checked layer by layer."""

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
    """Write the layers of a given network to `product`, as weights of the base network `name` ("given-mine-0/baseA").

    The other arguments and the errors raised are those of `given_layers`.
    """
    write_weights(product, given_layers(file, model, crop, image_size), name, file_sha256(file))


def given_layers(file: Path, model: Blueprint, crop: int, image_size: int) -> dict[str, torch.Tensor]:
    """Return the tensors of a given network's layers except the classifier; for built-in networks, also the mean image.

    `crop` is the size of the network's inputs, `image_size` the size of a mean image, in pixels. Raises InputError if
    the file is not readable as weights or does not fit, OSError if it cannot be read.
    """
    built = build_model(model, crop, classes=2)  # any number of classes
    mean = {MEAN_IMAGE: torch.Size((image_size, image_size, 3))} if model.is_builtin else {}
    return fitted(read_given(file), built, as_layers(built, crop), file, mean)
