"""Prints a description of a model as JSON: python -m transferability.models.describe ARCHITECTURE [SIZE]."""

import json
import sys

from transferability.common.errors import InputError
from transferability.models.building import build_model
from transferability.models.layers import as_layers
from transferability.models.libraries import expected_pixels
from transferability.study.blueprint import Blueprint, is_of_a_library

USUAL = 224  # pixels, if neither the caller nor the library gives a size


def describe(architecture: str, size: int | None) -> dict:
    """Return a dict of an architecture's layer names, "layers", and "mean" and "std" of its pixels, or None.

    The model is built for images of `size` pixels. Raises InputError for an architecture that does not exist, cannot be
    cut into layers, or does not accept images of this size.
    """
    library = architecture.partition("/")[0] if is_of_a_library(architecture) else None
    pixels = expected_pixels(architecture) if library else None
    size = size or (pixels.size if pixels else USUAL)
    model = build_model(Blueprint(architecture, library, "rgb", None, None), size, 1000)
    mean, std = (pixels.mean, pixels.std) if pixels else (None, None)
    return {"layers": list(as_layers(model, size)), "mean": mean, "std": std}


def main() -> None:
    """Print the description of the architecture given on the command line, or an error of one line."""
    architecture, *size = sys.argv[1:]
    try:
        print(json.dumps(describe(architecture, int(size[0]) if size else None)))
    except InputError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
