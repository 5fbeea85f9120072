"""Checks of given networks: all their layers fit, and they get pixels as in their own training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from transferability.common.errors import InputError, remedy
from transferability.jobs.given import given_layers
from transferability.models.building import build_model
from transferability.planning.checks import Finding
from transferability.planning.checks.model_inputs import model_inputs
from transferability.study.model import Model, given_row
from transferability.study.study_plan import StudyPlan

SILENT = 1e-4  # share of the largest variance below which a channel counts as inactive
USUAL = 3.0  # factor within which variances agree on photographs that are prepared as in the network's training


def check_given(study: StudyPlan, sample: np.ndarray | None) -> Finding:
    """Import every given network, and compare its first BatchNorm's inputs on a sample with the running statistics.

    `sample` holds stored images, uint8 (images, size, size, 3), RGB; None if there are none.
    """
    faults, warnings, notes = [], [], []
    for name, model in study.given.items():
        row = given_row(study.config, name)
        file, own = row["weights"], {"architecture", "pixels"} & set(row)
        if not Path(file).expanduser().is_file():
            faults.append(f"config key given.weights.{name}: {file} is not a file; give a network's weights file")
            continue
        try:
            tensors = given_layers(Path(file).expanduser(), model.blueprint, study.input_size, study.image_size)
        except (InputError, OSError) as error:
            faults.append(f"{name}: {error}" + (f"; {remedy(error)}" if isinstance(error, OSError) else ""))
            continue
        notes.append(f"{name}: all {len(tensors)} entries of its layers fit")
        seen = None if sample is None else first_norm(_built(study, model, tensors), model_inputs(study, model, sample))
        if seen:
            notes[-1] += f", {seen.in_words()}"
        if seen and not 1 / USUAL < seen.variance < USUAL:
            warnings.append(
                f"{name}: {seen.in_words()}: your images differ much from those that it was trained on, or config key "
                f"{f'given.weights.{name}.pixels' if own else 'network.pixels'} does not match its training"
            )
    return Finding("given networks", faults, "; ".join(notes) or "none", warnings)


def _built(study: StudyPlan, model: Model, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    network = build_model(model.blueprint, study.input_size, classes=2)
    network.load_state_dict(tensors, strict=False)  # without the classifier
    return network


@dataclass(frozen=True)
class FirstNorm:
    """The inputs of a network's first BatchNorm, compared with its running statistics: medians over channels.

    `variance` is the ratio of the variances, `shift` the distance of the means in standard deviations.
    """

    variance: float
    shift: float

    def in_words(self) -> str:
        """Return a description, for use within a sentence."""
        return (
            f"its first BatchNorm sees {self.variance:.2g} times the variance that it was trained with (usual: "
            f"{1 / USUAL:.1f} to {USUAL:g}) and means {self.shift:.2f} deviations away"
        )


def first_norm(model: nn.Module, inputs: torch.Tensor) -> FirstNorm | None:
    """Compare the first BatchNorm's inputs, for `inputs` (images, 3, size, size), with its running statistics.

    Returns None for models without BatchNorm. Pixels that are not standardised, or with other numbers than in the
    model's training, change the variance; another order of the channels does not.
    """
    norm = next((module for module in model.modules() if isinstance(module, nn.BatchNorm2d)), None)
    if norm is None or norm.running_var is None:
        return None
    seen: list[torch.Tensor] = []
    hook = norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.no_grad():
            model.eval()(inputs)
    finally:
        hook.remove()
    mean, variance = seen[0].mean((0, 2, 3)), seen[0].var((0, 2, 3))
    speaks = norm.running_var > SILENT * norm.running_var.max()
    ratio = (variance / norm.running_var)[speaks].median()
    shift = ((mean - norm.running_mean).abs() / norm.running_var.sqrt())[speaks].median()
    return FirstNorm(float(ratio), float(shift))
