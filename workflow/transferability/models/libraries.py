"""The models of torchvision and timm, built without pretrained weights: nothing is ever downloaded."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from transferability.common.errors import InputError, first_line
from transferability.models.layers import shapes_only


@dataclass(frozen=True)
class ExpectedPixels:
    """The images that a library specifies for a model: squares of `size` x `size` pixels with this mean and std.

    `mean` and `std` are those of red, green and blue, for pixels from 0 to 1.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


def expected_pixels(architecture: str) -> ExpectedPixels | None:
    """Return the images that a library specifies for `torchvision/NAME` or `timm/NAME`; None if it specifies none.

    Raises InputError for a name that the library does not have.
    """
    library, _, name = architecture.partition("/")
    if library == "torchvision":
        from torchvision import models

        _check("torchvision", name, models.list_models(module=models))
        transforms = models.get_model_weights(name).DEFAULT.transforms()
        return ExpectedPixels(transforms.crop_size[0], tuple(transforms.mean), tuple(transforms.std))
    import timm

    _check("timm", name, timm.list_models())
    given = timm.get_pretrained_cfg(name)
    return ExpectedPixels(given.input_size[1], given.mean, given.std) if given else None


def build(architecture: str, size: int, classes: int) -> nn.Module:
    """Build `torchvision/NAME` or `timm/NAME` for square images of `size` x `size` pixels, on the CPU.

    The model draws its initial weights itself, from torch's global generator. Raises InputError for a name that the
    library does not have, and for a size that the model does not accept.
    """
    return _built(architecture, size, classes)[0]


def build_options(architecture: str, size: int, classes: int) -> dict:
    """Return the options, besides the number of classes, with which the library builds the model of `build`."""
    return {key: value for key, value in _built(architecture, size, classes)[1].items() if key != "num_classes"}


def _built(architecture: str, size: int, classes: int) -> tuple[nn.Module, dict]:
    create, options = _offers(architecture, size, classes)
    state = torch.random.get_rng_state()
    for chosen in options:
        torch.random.set_rng_state(state)
        try:
            model = create(architecture.partition("/")[2], **chosen)
            shapes_only(model, size)
            return model, chosen
        except Exception as error:  # third-party code may raise anything
            if isinstance(error, TypeError) and chosen is not options[-1]:  # the model does not have these options
                continue
            raise InputError(
                f"{architecture} does not take images of {size} pixels ({first_line(error)}); accepted: another size, "
                "or another architecture"
            ) from error
    raise AssertionError("no options")


def _offers(architecture: str, size: int, classes: int) -> tuple[Callable[..., nn.Module], list[dict]]:
    """Return the function that creates a model, and options for it in order of preference."""
    library, _, name = architecture.partition("/")
    offers = {"torchvision": _torchvision, "timm": _timm}
    if library not in offers:
        raise InputError(f"{architecture} is unknown; accepted: torchvision/NAME, timm/NAME")
    return offers[library](name, size, classes)


def _torchvision(name: str, size: int, classes: int) -> tuple[Callable[..., nn.Module], list[dict]]:
    from torchvision import models  # takes 1.5 s

    _check("torchvision", name, models.list_models(module=models))
    options = {}
    if name.startswith("vit_"):
        options["image_size"] = size
    elif name.startswith("maxvit"):
        options["input_size"] = (size, size)
    elif name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": True}
    return models.get_model, [{"weights": None, "num_classes": classes} | options]


def _timm(name: str, size: int, classes: int) -> tuple[Callable[..., nn.Module], list[dict]]:
    import timm  # takes 1.5 s

    _check("timm", name, timm.list_models())
    # Some models are built for one size. Many of these can also adapt to images of any size, but in ways that cannot be
    # traced.
    for_size = [{"img_size": size, "dynamic_img_size": False}, {"img_size": size}, {}]
    return timm.create_model, [{"pretrained": False, "num_classes": classes} | options for options in for_size]


def _check(library: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        near = ", ".join(f"{library}/{other}" for other in difflib.get_close_matches(name, known, n=5, cutoff=0.4))
        raise InputError(f"{library}/{name} is unknown to {library}; accepted: {near or f'the names of {library}'}")
