"""Layers and pixels of an architecture that the catalogue does not list: the model itself says them.

That needs torch, which is not imported to parse a workflow: a process of its own looks, once. Its answer is kept beside
what Python compiles, for the code and the libraries as they are.
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

DESCRIBE = "models.describe"  # the module that looks
MODELS = Path(__file__).parents[1] / "models"
KEPT = Path(__file__).parents[1] / "__pycache__" / "unlisted.json"


@dataclass(frozen=True)
class Description:
    """The names of an architecture's layers, in order, and the mean and deviation that it expects its pixels to have.

    The latter are None for own architectures, and where the library does not say them.
    """

    layers: tuple[str, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None


@cache
def describe(architecture: str, size: int | None = None) -> Description:
    """Return what a model for square images of `size` pixels says of itself; without a size, one for the usual size.

    Raises InputError for an architecture that does not exist, cannot be cut into layers, or does not take this size.
    """
    key = fingerprint([architecture, size, _code(), version("timm"), version("torchvision")])
    kept = _kept()
    if key not in kept:
        kept |= {key: _looked_up(architecture, size)}
        with suppress(OSError):  # as where the library is another user's
            KEPT.parent.mkdir(exist_ok=True)
            write_text(KEPT, json.dumps(kept, indent=1))
    found = kept[key]
    mean, std = (tuple(found[name]) if found[name] else None for name in ("mean", "std"))
    return Description(tuple(found["layers"]), mean, std)


def _kept() -> dict[str, dict]:
    try:
        return dict(json.loads(KEPT.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or damaged
        return {}


def _looked_up(architecture: str, size: int | None) -> dict:
    return json.loads(said_by(DESCRIBE, architecture, *([str(size)] if size else [])))


def _code() -> list[str]:
    """Checksums of all code that builds models and cuts them into layers."""
    return [file_sha256(file) for file in sorted(MODELS.rglob("*.py"))]
