"""Layers and pixels of an architecture that the catalogue does not list, determined from the model itself.

This needs torch, which is not imported when a workflow is parsed, so a separate process builds the model once. The
result is cached beside Python's compiled files, for the present versions of the code and the libraries.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.checksums import file_sha256, fingerprint
from transferability.common.own_process import said_by

DESCRIBE = "models.describe"  # the module that the separate process runs
MODELS = Path(__file__).parents[1] / "models"
KEPT = Path(__file__).parents[1] / "__pycache__" / "unlisted.json"


@dataclass(frozen=True)
class Description:
    """The names of an architecture's layers, in order, and the mean and deviation that standardise its pixels.

    `mean` and `std` are None for built-in architectures, and if the library does not specify them.
    """

    layers: tuple[str, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


@cache
def describe(architecture: str, size: int | None = None) -> Description:
    """Return the description of a model for square images of `size` pixels; None is the architecture's default size.

    Raises InputError for an architecture that does not exist, cannot be divided into layers, or does not accept `size`.
    """
    key = fingerprint([architecture, size, _code(), version("timm"), version("torchvision")])
    kept = _kept()
    if key not in kept:
        kept |= {key: _looked_up(architecture, size)}
        with suppress(OSError):  # for example if another user installed the library
            KEPT.parent.mkdir(exist_ok=True)
            write_text(KEPT, json.dumps(kept, indent=1))
    found = kept[key]
    mean, std = (tuple(found[name]) if found[name] else None for name in ("mean", "std"))
    return Description(tuple(found["layers"]), mean, std)


def _kept() -> dict[str, dict]:
    try:
        return dict(json.loads(KEPT.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # missing or damaged
        return {}


def _looked_up(architecture: str, size: int | None) -> dict:
    return json.loads(said_by(DESCRIBE, architecture, *([str(size)] if size else [])))


def _code() -> list[str]:
    """Checksums of all code that builds models and divides them into layers."""
    return [file_sha256(file) for file in sorted(MODELS.rglob("*.py"))]
