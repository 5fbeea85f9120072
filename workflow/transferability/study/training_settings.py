"""Training settings: the section `training` of the configuration, converted to numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Training in iterations, for one task. The fields are the keys of the section `training` (config/README.md)."""

    iterations: int
    evaluate_every: int
    batch_size: int
    optimizer: str
    learning_rate: float
    layer_decay: float
    head_first: float
    schedule: str
    warmup: float
    drop_every: int
    drop_factor: float
    momentum: float
    nesterov: bool
    weight_decay: float
    clip_norm: float
    label_smoothing: float
    batchnorm: str
    augmentation: str
    min_crop_area: float
    input_size: int
    horizontal_flip: bool
    views: int | None
    precision: str
    compile: bool

    def rate_at(self, iteration: int) -> float:
        """Return the learning rate of an iteration, counted from 0, under the schedule."""
        if self.schedule == "step":
            return self.learning_rate * self.drop_factor ** (iteration // self.drop_every)
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * iteration / self.iterations))
        rise = max(1.0, self.warmup * self.iterations)
        rising, left = (iteration + 1) / rise, (self.iterations - iteration) / max(1.0, self.iterations - rise)
        if self.schedule == "warmup-cosine":
            return self.learning_rate * min(rising, 0.5 * (1 - math.cos(math.pi * min(1.0, left))))
        return self.learning_rate * min(1.0, rising, left)


def training_of(config: Mapping, examples: int) -> Mapping:
    """Return the section `training` for networks with `examples` images per class.

    0 means all images; other numbers apply the keys in reduced.training.
    """
    return config["training"] | (config["reduced"]["training"] if examples else {})


# Keys that are used only if another key has one of these values.
ONLY_WITH = {
    "drop_every": ("schedule", {"step"}),
    "drop_factor": ("schedule", {"step"}),
    "warmup": ("schedule", {"warmup-cosine", "one-cycle"}),
    "momentum": ("optimizer", {"caffe-sgd", "sgd"}),
    "nesterov": ("optimizer", {"sgd"}),
    "min_crop_area": ("augmentation", {"random-resized-crop"}),
}


# Keys that are used only if copied layers learn.
FINE_TUNING = {"head_first", "layer_decay", "batchnorm"}


def used_of(training: Mapping, fine_tunes: bool) -> dict:
    """Return the keys of a section `training` that affect a network: for example, none of a schedule that is not used.

    `fine_tunes` is whether the network has copied layers that learn.
    """
    unused = {key for key, (other, values) in ONLY_WITH.items() if training[other] not in values}
    unused |= set() if fine_tunes else FINE_TUNING
    return {key: value for key, value in training.items() if key not in unused}


def read_settings(training: Mapping, train_images: int) -> Settings:
    """Convert the section `training` of the configuration for a task with `train_images` training images."""
    batch_size = training["batch_size"]

    def iterations(span: str) -> int:
        """Return the iterations in "450000 iterations" or "20 epochs", rounded up."""
        number, unit = span.split()
        return int(number) if unit == "iterations" else math.ceil(int(number) * train_images / batch_size)

    return Settings(
        iterations=iterations(training["length"]),
        evaluate_every=iterations(training["evaluate_every"]),
        drop_every=iterations(training["drop_every"]),
        **{
            key: training[key]
            for key in Settings.__dataclass_fields__
            if key not in ("iterations", "evaluate_every", "drop_every")
        },
    )
