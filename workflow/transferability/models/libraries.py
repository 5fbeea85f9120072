"""The models of torchvision and timm, built without given weights: nothing is ever downloaded."""

import difflib
from collections.abc import Callable, Sequence

import torch
from torch import nn

from transferability.common.errors import InputError, first_line


def build(architecture: str, size: int, classes: int) -> nn.Module:
    """Build `torchvision/NAME` or `timm/NAME` for square images of `size` pixels, on the CPU.

    The model draws its initial weights itself, from torch's global generator. Raise InputError for a name that the
    library does not have, and for a size that the model cannot be built for (`layers.as_layers` raises it for one that
    the model cannot be applied to).
    """
    library, _, name = architecture.partition("/")
    return {"torchvision": _torchvision, "timm": _timm}[library](name, size, classes)


def _torchvision(name: str, size: int, classes: int) -> nn.Module:
    from torchvision import models  # takes 1.5 s

    _check("torchvision", name, models.list_models(module=models))
    options = {}
    if name.startswith("vit_"):
        options["image_size"] = size
    elif name.startswith("maxvit"):
        options["input_size"] = (size, size)
    elif name in ("googlenet", "inception_v3"):
        options = {"aux_logits": False, "init_weights": True}
    return _built(
        f"torchvision/{name}", size, models.get_model, [{"weights": None, "num_classes": classes} | options], name
    )


def _timm(name: str, size: int, classes: int) -> nn.Module:
    import timm  # takes 1.5 s

    _check("timm", name, timm.list_models())
    # Not every model is built for one size; those that are can often adapt to images as they come, by means that
    # cannot be traced.
    for_size = [{"img_size": size, "dynamic_img_size": False}, {"img_size": size}, {}]
    options = [{"pretrained": False, "num_classes": classes} | more for more in for_size]
    return _built(f"timm/{name}", size, timm.create_model, options, name)


def _check(library: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        near = ", ".join(f"{library}/{other}" for other in difflib.get_close_matches(name, known, n=5, cutoff=0.4))
        raise InputError(f"{library}/{name} is unknown to {library}; accepted: {near or f'the names of {library}'}")


def _built(architecture: str, size: int, create: Callable, options: Sequence[dict], name: str) -> nn.Module:
    """Create a model with the first of these options that it has (others are a TypeError)."""
    state = torch.random.get_rng_state()
    for number, chosen in enumerate(options):
        torch.random.set_rng_state(state)
        try:
            return create(name, **chosen)
        except Exception as error:  # whatever a stranger's code raises
            if isinstance(error, TypeError) and number < len(options) - 1:
                continue
            raise InputError(
                f"{architecture} cannot be built for images of {size} pixels ({first_line(error)}); accepted: another "
                "size, or another architecture"
            ) from error
    raise AssertionError("no options")
