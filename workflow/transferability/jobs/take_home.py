"""A trained network as a directory that runs without this library: weights, model.json, predict.py and README.md."""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import torch
from scipy.stats import binomtest
from torch import nn

from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError, first_line
from transferability.jobs import predict
from transferability.jobs.recipe import Recipe
from transferability.models.building import build_model, build_network
from transferability.models.libraries import build_options
from transferability.store.square import Square
from transferability.study.blueprint import Blueprint

log = logging.getLogger(__name__)

LEVEL = 0.9  # of the interval of the accuracy
README = """# {architecture}, trained on {training_images:,} images of {number} classes

`python predict.py FOLDER_OR_IMAGES... > predictions.csv` writes path, predicted class and confidence of each image. It
needs Python 3.11 or later and {library} with its requirements, and nothing of the workflow that trained the network. If
the subfolders of FOLDER are named after the classes, it also reports the accuracy.

On its {images:,} validation images the network got {right:,} right, {percent:.1f} % (90 % interval for this number of
images: {low:.1f} to {high:.1f} %). On a CPU `predict.py` gives the same number for these images. The way to train was
chosen with these images, among others: expect slightly less on new ones, and less still if several of your images show
the same patient, animal or scene and the study did not keep them together (`dataset.group`).

- `model.safetensors`: the weights, under the names of {architecture}.
- `model.json`: the architecture, the classes in the order of the outputs, and how an image becomes the input.
- `predict.py` decodes images as in training. It does not read grey images of more than 8 bits, whose black and white
  the training took from its configuration (`scale` in `model.json`): convert them to 8 bits.
"""


def check_can_be_taken_home(recipe: Recipe) -> None:
    """Raise InputError for a network of a built-in architecture, which no other library can build."""
    if Blueprint(**recipe.architecture).is_builtin:
        raise InputError(
            f"{recipe.architecture['name']}: a built-in architecture, which only this workflow can build; take home "
            "networks of torchvision/NAME or timm/NAME (config key network.architecture)"
        )


def write_model(folder: Path, recipe: Recipe, record: Mapping, weights: Path, loss_bound: float | None) -> None:
    """Write the directory of a trained network; `record` is its accuracy file, `weights` its weights file.

    `loss_bound` is what the network may lose at most against the best arm, if the advice says so. Raises InputError for
    a built-in architecture.
    """
    check_can_be_taken_home(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    model = describe_model(recipe, record) | {"loss_bound": loss_bound}
    shutil.copyfile(weights, folder / "model.safetensors")
    write_text(folder / "model.json", json.dumps(model, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "predict.py", Path(predict.__file__).read_text(encoding="utf-8"))
    validation = model["validation"]
    low, high = (100 * limit for limit in validation["interval"])
    parts = {"number": len(model["classes"]), "percent": 100 * validation["accuracy"], "low": low, "high": high}
    write_text(folder / "README.md", README.format(**model, **validation, **parts))
    if find_spec("onnx"):
        _write_onnx(folder)


def describe_model(recipe: Recipe, record: Mapping) -> dict:
    """Return the content of model.json, from which predict.py builds the network and prepares its input."""
    blueprint, square = Blueprint(**recipe.architecture), Square(**recipe.square)
    classes, size = list(record["by_class"]), recipe.training["input_size"]
    right, images = (sum(int(share.split("/")[k]) for share in record["by_class"].values()) for k in (0, 1))
    interval = binomtest(right, images).proportion_ci(LEVEL, method="wilson")
    return {
        "architecture": blueprint.name,
        "library": blueprint.library,
        "torch": recipe.torch,
        "options": build_options(blueprint.name, size, len(classes)),
        "identity": replaced_by_identity(blueprint, size, len(classes)),
        "classes": classes,
        "image_size": square.size,
        "fit": square.fit,
        "orientation": square.orientation,
        "scale": square.scale,
        "input_size": size,
        "pixels": {key: asdict(blueprint)[key] for key in ("order", "mean", "std")},
        "precision": recipe.training["precision"],
        "network": recipe.name,
        "mark": record["fingerprint"],
        "training_images": record["train_images"],
        "validation": {
            "right": right,
            "images": images,
            "accuracy": right / images,
            "interval": [round(limit, 6) for limit in interval],
            "fold": record["fold"],
        },
    }


def replaced_by_identity(blueprint: Blueprint, size: int, classes: int) -> list[str]:
    """Return the names of the library's modules that training replaces by the identity (`models.classifier`)."""
    own = build_model(blueprint, size, classes)
    trained = build_network(blueprint, size, classes, lambda *_: 0, torch.device("cpu")).model
    return [
        name
        for name, module in own.named_modules()
        if isinstance(trained.get_submodule(name), nn.Identity) and not isinstance(module, nn.Identity)
    ]


def _write_onnx(folder: Path) -> None:
    """Write model.onnx beside the weights; if the network cannot be exported, only warn."""
    spec = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    size = spec["input_size"]
    try:
        model = predict.load_model(folder, spec)
        torch.onnx.export(
            model,
            (torch.zeros(2, 3, size, size),),
            str(folder / "model.onnx"),
            input_names=["images"],
            output_names=["scores"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    except Exception as error:  # many types, from torch and from packages that it needs
        log.warning("no model.onnx: %s cannot be exported (%s)", spec["architecture"], first_line(error))
        (folder / "model.onnx").unlink(missing_ok=True)
