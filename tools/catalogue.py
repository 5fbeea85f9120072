"""Write resources/architectures.csv, the facts about each architecture: python tools/catalogue.py.

Each model is built and divided into layers on the meta device, where tensors have no values and take no memory.
"""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, reduce

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from timm_names import TIMM
from transferability.common.atomic_files import write_text
from transferability.common.errors import InputError
from transferability.common.resources import RESOURCES
from transferability.models.layers import as_layers
from transferability.models.libraries import build, expected_pixels
from transferability.models.tracing import unchanged
from transferability.study.architectures import catalogue, is_of_a_library

FILE = RESOURCES / "architectures.csv"
COLUMNS = ["architecture", "layers", "parameters", "smallest", "largest", "step", "mean", "std"]
LARGEST = 1024  # largest size that is tried, in pixels; the smallest is 16
STEPS = (1, 2, 4, 7, 8, 14, 16, 28, 32, 56, 64)
MOST_PARAMETERS = 350e6
FEWEST_LAYERS = 5
FILLS = {  # functions that fill the new tensors of a model
    getattr(torch.Tensor, f"{name}_")
    for name in ("add", "clamp", "copy", "div", "erfinv", "fill", "mul", "normal", "sub", "uniform", "zero")
}
_Form = tuple[tuple[int, ...], tuple[int, ...]]  # a tensor's size and strides


class _NoValues(TorchFunctionMode):
    """Skips functions that fill tensors on the meta device, which have no values; this saves a quarter of the time."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in FILLS and args[0].is_meta:
            return args[0]
        return function(*args, **(kwargs or {}))


def names() -> list[str]:
    """Return the sorted names of the library architectures for the catalogue, if they can be divided into layers."""
    from torchvision import models  # takes 1.5 s

    parameters = {
        f"torchvision/{name}": models.get_model_weights(name).DEFAULT.meta["num_params"]
        for name in models.list_models(module=models)
    }
    torchvision = [name for name, number in parameters.items() if number <= MOST_PARAMETERS]
    return sorted([*torchvision, *(f"timm/{name}" for name in TIMM)])


def row(architecture: str) -> dict[str, object]:
    """Return the row of a library architecture; raise InputError if it cannot be divided into enough layers."""
    facts = expected_pixels(architecture)
    model = built_on_meta(architecture, facts.size)
    layers = as_layers(model, facts.size)
    if len(layers) < FEWEST_LAYERS:
        raise InputError(f"it can be divided into {len(layers)} layers only: {', '.join(layers)}")
    sizes = _sizes(_tester(architecture, nn.Sequential(*layers.values())), facts.size)
    return {
        "architecture": architecture,
        "layers": " ".join(layers),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "smallest": sizes.start,
        "largest": sizes[-1],
        "step": sizes.step,
        "mean": " ".join(f"{number:.6g}" for number in facts.mean),
        "std": " ".join(f"{number:.6g}" for number in facts.std),
    }


def built_on_meta(architecture: str, size: int) -> nn.Module:
    """Build a model with 1000 classes on the meta device; raise InputError if it does not accept the size."""
    try:
        with torch.device("meta"), _NoValues():
            return build(architecture, size, 1000)
    except InputError as error:
        if not isinstance(error.__cause__, NotImplementedError):
            raise
        return build(architecture, size, 1000).to("meta")  # the model computes with values while it is built


def _form_of(tensor: torch.Tensor) -> _Form:
    return tuple(tensor.shape), tensor.stride()


def _tester(architecture: str, layers: nn.Sequential) -> Callable[[int], bool]:
    """Return a function that tests whether a size is accepted by these layers, or by a model built for that size."""

    @cache
    def made_of(given: _Form, number: int) -> _Form:
        """Return size and strides of a layer's output, given those of its input; cached, as many sizes share them."""
        with unchanged(layers[number]), torch.no_grad():
            return _form_of(layers[number].train()(torch.empty_strided(*given, device="meta")))

    @cache
    def takes(size: int) -> bool:
        """Whether square images of a size are accepted."""
        try:
            reduce(made_of, range(len(layers)), _form_of(torch.empty(2, 3, size, size, device="meta")))
            return True
        except Exception:  # libraries raise many types of exceptions
            pass
        try:
            built_on_meta(architecture, size)
            return True
        except InputError:
            return False

    return takes


def _sizes(takes: Callable[[int], bool], default: int) -> range:
    """Find the sizes, in equal steps, that a model accepts; if there are not two of them, return its default size.

    A range of sizes is tested on its first few sizes, on some of the following ones, and on the largest.
    """
    coarse = next(size for size in [*range(16, default, 16), default] if takes(size))
    smallest = next(size for size in range(max(coarse - 15, 16), coarse + 1) if takes(size))
    for step in STEPS:
        sizes = range(smallest + (default - smallest) % step, LARGEST + 1, step)
        if all(takes(sizes[number]) for number in (0, 1, 2, 3, 5, 8, 15, 16, 33, -1) if number < len(sizes)):
            return sizes
    return range(default, default + 1)


def _rows() -> Iterator[dict[str, object]]:
    """The rows of the catalogue: the built-in architectures unchanged, then those of the libraries, in parallel."""
    with FILE.open(encoding="utf-8", newline="") as file:
        yield from [given for given in csv.DictReader(file) if not is_of_a_library(given["architecture"])]
    with ProcessPoolExecutor() as pool:
        jobs = {name: pool.submit(row, name) for name in names()}
        for name, job in jobs.items():
            try:
                yield job.result()
            except InputError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)


def main() -> None:
    """Write the catalogue again."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows())
    write_text(FILE, text.getvalue())
    catalogue.cache_clear()


if __name__ == "__main__":
    main()
