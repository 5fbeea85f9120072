"""Pages of the documentation, done as they say."""

import re

import pandas as pd
import pytest

from .conftest import REPOSITORY, Checkout

SMALL = [
    "pictures={classes: 8, train: 20, val: 10}",
    "splits={random: 1, manmade_natural: false}",
    "treatments=[AnB, AnB+]",
    "random_filters=false",
    "reduced={examples_per_class: []}",
]
SHORT = "length: 3 epochs, batch_size: 20, test_every: 1 epochs"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code of a page in a language."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_a_network_of_ones_own_is_added_as_the_page_says(tmp_path):
    study = Checkout(tmp_path / "checkout")
    [code], [config], [command] = (blocks("add-an-architecture.md", kind) for kind in ("python", "yaml", "sh"))
    assert len(code.splitlines()) < 20
    for block in (code, config):
        name, content = block.split("\n", 1)
        (study.root / name.removeprefix("# ")).write_text(content, encoding="utf-8")
    program, *arguments = command.split()
    assert program == "snakemake"
    training = f"training={{{SHORT}, optimizer: sgd}}"
    study.snakemake(*arguments, "--config", *SMALL, training)
    accuracies = pd.read_csv(study.root / "results" / "tinynet" / "accuracy.csv")
    assert set(accuracies["n"]) == {0, 1, 2, 3}
    assert (study.root / "results" / "tinynet" / "figure2.pdf").stat().st_size > 5000
