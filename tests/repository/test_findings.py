"""The text of docs/findings.md follows from the tables there.

pytest tests/repository/test_findings.py --write-docs writes it.
"""

import re
from pathlib import Path

import pytest

from tests.findings import (
    ARCHITECTURES,
    FINDINGS,
    GIVEN,
    NUMBER,
    OF_STATISTICS,
    PAGE,
    STATISTICS,
    STUDIES,
    TABLES,
    accuracies,
    number,
    study,
    written_again,
)
from transferability.analysis.image_errors import INDEPENDENT, SHARED, measured_share
from transferability.analysis.relative import CONTROL
from transferability.study.configuration import default_config
from transferability.study.grid import control
from transferability.study.model import main_model
from transferability.study.network import Network, given_name


@pytest.mark.parametrize(
    ("file", "tables"), [(PAGE, TABLES), (STATISTICS, OF_STATISTICS)], ids=["findings", "statistics"]
)
def test_the_page_follows_from_the_tables_beside_it(request, file, tables):
    page = file.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- table ([\w-]+) -->", page)) == set(tables)
    expected = written_again(page, tables)
    if request.config.getoption("--write-docs"):
        file.write_text(expected, encoding="utf-8")
    written = file.read_text(encoding="utf-8")
    assert written == expected, f"{file.name} does not say what docs/findings/ has: look at what changed, and why"


# Numbers that name something instead of measuring it: n, claims, networks, sizes, what was trained on.
NAMES = [
    r"n = \d+((, | and | to |-)\d+)*",
    r"[Cc]laims? \d+(( and | to |, )\d+)*('s)?",
    r"\bB8B\+",
    r"\d+x\d+",
    r"\bat( n =)? \d( (to|and) \d)?\b",
    r"\b(40 classes|30 epochs|90 % intervals?|0\.1)",
    r"ILSVRC-2012",
    r"Figures? \d",
    r"shares of 1",
    r"EfficientNet-Lite0|SqueezeNet 1\.1|CIFAR-10|Version 1\.0\.0",
    r"ln\(2\)|0 to 255|72 pixels",
]
NOT_MEASURED = ("How they were made",)  # sections: times and commands


def stray_numbers(page: str) -> list[str]:
    """The lines of sentences with a number that no formula computes."""
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    prose = "".join(section for section in sections if not section.startswith(NOT_MEASURED))
    for pattern in (
        r"<!-- table.*?<!-- end -->",
        r"```.*?```",
        r"`[^`]*`",
        r"\]\([^)]*\)",
        NUMBER.pattern,
        r"<!--.*?-->",
    ):
        prose = re.sub(pattern, "", prose, flags=re.DOTALL)
    for pattern in NAMES:
        prose = re.sub(pattern.replace(" ", r"\s+"), "", prose)
    return [line.strip() for line in prose.split("\n") if re.search(r"\d", line)]


def test_every_number_in_a_sentence_is_computed():
    assert not stray_numbers(PAGE.read_text(encoding="utf-8")), "write it as <!-- STUDY: FORMULA --><!--/-->"


def test_a_number_without_a_formula_is_found():
    page = "At n = 3 it loses <!-- paper: base - AnB, n = 3 -->+0.6<!--/-->.\nClaim 5: 1.4 points.\n"
    page += "## How they were made\n7\n"
    assert stray_numbers(page) == [": 1.4 points."]
    assert number("paper", "base - AnB, n = 7", True) == "+8.3"
    with pytest.raises(AssertionError, match="is no formula"):
        number("paper", "whatever", True)


def test_shares_of_images_errors_are_no_larger_than_what_is_taken():
    """The measured shares, of two studies; of AnB, whose share is of another kind, within two standard errors."""
    for name in ("pictures", "tiny-imagenet"):
        for treatment in ("BnB", "BnB+", "AnB+", CONTROL):
            share, error = measured_share(study(name).random_splits, treatment)
            assert -2 * error < share <= SHARED, f"{treatment} on {name}: {share:.2f} ({error:.2f})"
        share, error = measured_share(study(name).random_splits, "AnB")
        assert SHARED < share <= INDEPENDENT, f"AnB on {name}: {share:.2f} ({error:.2f})"


@pytest.mark.parametrize("name", [*ARCHITECTURES, *GIVEN])
def test_published_controls_are_those_of_the_grid(name):
    config = default_config()
    config["network"]["n"] = [1]
    for row in accuracies(name).itertuples():
        of_split = ARCHITECTURES[name] if name in ARCHITECTURES else GIVEN[name][given_name(row.split)]
        config["network"]["architecture"] = of_split
        network = Network.parse(row.split, row.network)
        expected = network == control(config, main_model(config), row.split, row.target)
        assert row.control == expected, f"{name}: {row.split}/{row.network}"


def test_figures_are_small_and_all_are_shown():
    pictures = sorted(FINDINGS.glob("*/*.png"))
    assert sum(path.stat().st_size for path in pictures) < 2e6
    pages = [PAGE, PAGE.with_name("gallery.md")]
    shown = [name for page in pages for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))]
    assert {str(Path("findings", path.parent.name, path.name)) for path in pictures} == set(shown)


@pytest.mark.parametrize("name", [*STUDIES, *GIVEN])
def test_nothing_but_tables_and_figures_is_published(name):
    assert {path.suffix for path in (FINDINGS / name).iterdir()} <= {".csv", ".sha256", ".png"}
    assert not accuracies(name).empty
