"""Checks of the network: its layers, which n counts, and whether the first loss is that of guessing."""

import math
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from transferability.common.seeds import derive_seed
from transferability.models.building import build_network
from transferability.planning.checks import Finding
from transferability.planning.checks.model_inputs import model_inputs
from transferability.planning.checks.training import Tasks
from transferability.study.model import Model
from transferability.study.study_plan import StudyPlan

IMAGES = 32  # number of images for the first loss
HIGH = 1.5  # times ln(classes): a first loss above this is reported; the paper's network starts at 1.1 to 1.3 times


def check_network(study: StudyPlan, sample: np.ndarray | None, tasks: Tasks) -> Finding:
    """List the layers of each architecture, and compare the first loss of a new network with that of guessing.

    `sample` holds stored images, uint8 (images, size, size, 3), RGB; None if there are none.
    """
    found = {name: _check_model(study, model, sample, tasks) for name, model in study.named_models.items()}
    notes = [f"{name}: {one.note}" if len(found) > 1 else one.note for name, one in found.items()]
    return Finding("network", [], "; ".join(notes), [warning for one in found.values() for warning in one.warnings])


def _check_model(study: StudyPlan, model: Model, sample: np.ndarray | None, tasks: Tasks) -> Finding:
    layers = model.layers
    numbered = ", ".join(f"{number} {name}" for number, name in enumerate(layers[:-1], 1))
    note = f"n counts {len(layers)} layers: {numbered}; the last, {layers[-1]}, is the classifier, always new"
    if sample is None or not tasks:
        return Finding("network", [], note)
    classes = min(map(len, tasks.values()))
    loss, guessing = first_loss(study, model, sample[:IMAGES], classes), math.log(classes)
    note += f"; the first loss of a new network with {classes} classes is {loss:.2f}, that of guessing {guessing:.2f}"
    warnings = []
    if not loss < HIGH * guessing:
        warnings.append(
            f"a new network starts with a loss of {loss:.2f}, far above that of guessing, ln({classes}) = "
            f"{guessing:.2f}: a short training does not undo that, and its result depends on the initial weights of "
            f"the last layer; draw them smaller in {model.architecture}, or initialise them to zero"
        )
    return Finding("network", [], note, warnings)


def first_loss(study: StudyPlan, model: Model, images: np.ndarray, classes: int) -> float:
    """Return the mean loss of a new network of a model over stored images with evenly spread labels."""
    inputs = model_inputs(study, model, images)
    seed_of = partial(derive_seed, study.config["seed"], "preflight")
    network = build_network(model.blueprint, inputs.shape[-1], classes, seed_of, inputs.device)
    with torch.no_grad():
        return float(functional.cross_entropy(network.model(inputs), torch.arange(len(inputs)) % classes))
