"""docs/architectures.md: the catalogue of architectures as a page of the documentation."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from transferability.study.architectures import catalogue, sizes_in_words

TEXT = """# Architectures

Written from `resources/architectures.csv` (`pytest tests/libraries/test_catalogue.py --write-docs`).

A study copies the first *n* layers of a network. Which layers an architecture has is listed here, so you
can choose `network.architecture` and `network.n`.

- **What a layer is.** A layer begins at a block with weights: a convolution, a fully connected layer, or
  a whole residual, inception, dense or transformer block. All that follows up to the next one
  (normalisation, ReLU, pooling, dropout) belongs to it. Between two layers a single tensor passes. Blocks
  stay whole, but for a few whose halves one tensor passes between (maxvit of torchvision, efficientvit).
- **What n counts.** `n: 3` copies the first three layers in the table. The last layer is the classifier,
  which is always new, so the largest *n* is the number of layers less one.
- **How to choose n.** Each *n* means several networks a split (`BnB`, `BnB+`, `AnB`, `AnB+`). For a network
  with many layers take five to seven values, spread evenly, and include the first layer and the largest
  *n*. A good choice is the end of each stage: for `torchvision/resnet18` that is `[1, 3, 5, 7, 9]`.
- **What `all` means.** `n: all` takes every *n* from 1 to the largest. That is the paper's choice for eight
  layers, and much work for fifty.
- **Sizes** are the square images that an architecture takes, in pixels, up to 1024. It takes the smallest
  ones, but need not learn well from them: many networks halve the resolution five times.
- **Parameters** are in millions, with 1000 classes.

Other models of timm work too, if they can be cut into layers. The first command that names one builds
it once, which takes some seconds, and then knows its layers and pixels; `snakemake preflight` lists them.
Nothing is downloaded: networks start with random weights, or with those that you give as a file
(`given.weights`). The classifier always starts at zero: all classes have the same score, and the first
loss is ln(classes).
"""
TITLES = {"": "This project's own", "torchvision": "torchvision", "timm": "timm"}
SHOWN = 7  # groups of layers shown in a row


def page() -> str:
    """Return the page: an explanation, and a table of the architectures of each library."""
    rows = pd.DataFrame(
        {
            "library": architecture.name.rpartition("/")[0],
            "name": f"`{architecture.name}`",
            "layers": str(len(architecture.layers)),
            "parameters (M)": f"{architecture.parameters / 1e6:.1f}",
            "sizes": sizes_in_words(architecture.sizes),
            "names of the layers": _shortened(architecture.layers),
        }
        for architecture in catalogue().values()
    )
    parts = [TEXT]
    for library, title in TITLES.items():
        table = rows[rows["library"] == library].drop(columns="library")
        parts += [f"## {title}\n", table.to_markdown(index=False, disable_numparse=True, tablefmt="pipe") + "\n"]
    return "\n".join(parts)


def _shortened(names: Sequence[str]) -> str:
    """The names as text: consecutive numbers are grouped, and the middle of a long list is left out."""
    groups = list(_grouped(names))
    if len(groups) > SHOWN:
        groups = [*groups[: SHOWN - 2], "...", *groups[-2:]]
    return ", ".join(groups)


def _grouped(names: Iterable[str]) -> Iterable[str]:
    """Group names that end in consecutive numbers: "layer1.0" and "layer1.1" become "layer1.0-1"."""
    runs: list[tuple[str, int, int]] = []
    for name in names:
        text, number = re.fullmatch(r"(.*?)(\d*)", name).groups()
        if number and runs and runs[-1][0] == text and runs[-1][2] + 1 == int(number):
            runs[-1] = (text, runs[-1][1], int(number))
        else:
            runs.append((text, int(number or -1), int(number or -1)))
    for text, first, last in runs:
        if first < 0:
            yield text
        elif first == last:
            yield f"{text}{first}"
        else:
            yield f"{text}{first}-{last}"
