"""Layers and pixels of an architecture that the catalogue does not list: the model itself says them.

That needs torch, which is not imported to parse a workflow: a process of its own looks, once. Its answer is kept beside
what Python compiles, for the code and the libraries as they are.
"""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from transferability.common.atomic_files import write_text
from transferability.common.checksums import fingerprint
from transferability.common.code import code_fingerprint
from transferability.common.errors import InputError
from transferability.study.blueprint import builder

DESCRIBE = "models.describe"  # the module that looks
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
    code = code_fingerprint(DESCRIBE, builder(architecture))
    key = fingerprint([architecture, size, code, version("timm"), version("torchvision")])
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
    # Nothing is imported from the working directory (-P).
    command = [sys.executable, "-P", "-m", f"transferability.{DESCRIBE}", architecture, *([str(size)] if size else [])]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if run.returncode:
        raise InputError((run.stderr.strip().splitlines() or [f"{architecture} cannot be built"])[-1])
    return json.loads(run.stdout.splitlines()[-1])
