"""The model of a split's networks: its architecture, its layers, and how many of them are copied.

Most splits have the one of config section network. A given network may have one of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from transferability.study.architectures import AS_KNOWN, blueprint, layer_names
from transferability.study.blueprint import Blueprint
from transferability.study.network import GIVEN, given_name
from transferability.study.unlisted import describe

ALL = "all"  # value of network.n: every number of layers


@dataclass(frozen=True, eq=False)
class Model:
    """An architecture for images of `size` pixels. `pixels` and `numbers` are the keys pixels and n of the section."""

    architecture: str
    pixels: Mapping
    numbers: list[int] | str
    size: int

    @cached_property
    def blueprint(self) -> Blueprint:
        """What it is built from; raises InputError if the library does not have it, or does not specify pixels."""
        return blueprint(self.architecture, self.pixels, self.size)

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in order; raises InputError if it cannot be built, or divided into layers."""
        return layer_names(self.architecture) or describe(self.architecture, self.size).layers

    @property
    def n(self) -> list[int]:
        """The numbers of first layers that are copied."""
        return list(range(1, len(self.layers))) if self.numbers == ALL else self.numbers


def given_row(config: Mapping, name: str) -> Mapping:
    """Return the row of a given network in config key given.weights, as a section with the key weights."""
    row = config["given"]["weights"][name]
    return {"weights": row} if isinstance(row, str) else row


def main_model(config: Mapping) -> Model:
    """Return the model of config section network."""
    return _model(config, config["network"])


def given_model(config: Mapping, name: str) -> Model:
    """Return the model of a given network: what its row leaves out is that of config section network.

    The pixels of section network are for its architecture only.
    """
    row, network = given_row(config, name), config["network"]
    own = {} if row.get("architecture", network["architecture"]) == network["architecture"] else {"pixels": AS_KNOWN}
    row = dict(row)
    if "pixels" in row:
        row["pixels"] = {**AS_KNOWN, **row["pixels"]}
    return _model(config, {**network, **own, **row})


def model_of(config: Mapping, split: str) -> Model:
    """Return the model of the networks on a split."""
    return given_model(config, given_name(split)) if split.startswith(GIVEN) else main_model(config)


def _model(config: Mapping, section: Mapping) -> Model:
    return Model(section["architecture"], section["pixels"], section["n"], config["training"]["input_size"])
