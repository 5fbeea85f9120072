"""The keys of section `dataset`: values for keys that are not given, and combinations that are not allowed."""

import math
import re
from collections.abc import Iterator, Mapping

AUTO = "auto"  # value of dataset.layout: derived from dataset.root
OWN = ("imagefolder", "table")  # layouts of users' own images, which have any shape and may come from phones


def resolve_image_set(dataset: dict) -> None:
    """Set layout, fit and orientation in place, if they are not given, to the values for the layout."""
    dataset["layout"] = layout_of(dataset)
    own = dataset["layout"] in OWN
    if dataset["fit"] is None:
        dataset["fit"] = "center-crop" if own else "stretch"
    if dataset["orientation"] is None:
        dataset["orientation"] = "apply" if own else "ignore"


def layout_of(dataset: Mapping) -> str:
    """Return the layout of the images on disk: the given layout, or for auto the layout that matches the root."""
    layout, root = dataset["layout"], dataset["root"]
    if layout != AUTO:
        return layout
    if not root:
        return "pictures"
    return "table" if root.lower().endswith(".csv") else "imagefolder"


def image_set_problems(dataset: Mapping) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield each key that conflicts with another one, and a description of the problem."""
    layout, root = layout_of(dataset), dataset["root"]
    if layout != "pictures" and not root:
        yield ("dataset", "root"), f"none given; layout {layout} needs it: --config 'dataset={{root: DIRECTORY}}'"
    if layout == "pictures" and root:
        yield ("dataset", "root"), f"{root} given; layout pictures draws its own images, give another dataset.layout"
    if dataset["folds"] and dataset["validation"] is not None:
        yield ("dataset", "validation"), f"{dataset['validation']} given with dataset.folds; give one of the two"
    if dataset["group"] and layout != "table":
        try:
            re.compile(dataset["group"])
        except re.error as error:
            yield ("dataset", "group"), f"{dataset['group']} given; accepted: a regular expression ({error})"
    scale = dataset["scale"]
    if not isinstance(scale, str) and not (all(map(math.isfinite, scale)) and scale[0] < scale[1]):
        yield ("dataset", "scale"), f"{scale} given; accepted: auto, full, or two numbers, the smaller one first"
