"""The keys of section `dataset`: what those that are not given stand for, and which do not go together."""

import math
from collections.abc import Iterator, Mapping

AUTO = "auto"  # value of dataset.layout: what dataset.root looks like
OWN = ("imagefolder", "table")  # layouts of people's own images, which come in any shape and from phones


def resolve_image_set(dataset: dict) -> None:
    """Give, in place, layout, fit and orientation the values that those not given stand for."""
    dataset["layout"] = layout_of(dataset)
    own = dataset["layout"] in OWN
    if dataset["fit"] is None:
        dataset["fit"] = "center-crop" if own else "stretch"
    if dataset["orientation"] is None:
        dataset["orientation"] = "apply" if own else "ignore"


def layout_of(dataset: Mapping) -> str:
    """Return how the images lie on disk: the layout given or, for auto, what the root says."""
    layout, root = dataset["layout"], dataset["root"]
    if layout != AUTO:
        return layout
    if not root:
        return "pictures"
    return "table" if root.lower().endswith(".csv") else "imagefolder"


def image_set_problems(dataset: Mapping) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield keys that do not go together, and what is wrong with them."""
    layout, root = layout_of(dataset), dataset["root"]
    if layout != "pictures" and not root:
        yield ("dataset", "root"), f"none given; layout {layout} needs it: --config 'dataset={{root: DIRECTORY}}'"
    if layout == "pictures" and root:
        yield ("dataset", "root"), f"{root} given; layout pictures draws its own, images need another dataset.layout"
    scale = dataset["scale"]
    if not isinstance(scale, str) and not (all(map(math.isfinite, scale)) and scale[0] < scale[1]):
        yield ("dataset", "scale"), f"{scale} given; accepted: auto, full, or two numbers, the lower first"
