"""What docs/findings.md says follows from the tables there: pytest tests/test_findings.py --write-docs writes it."""

import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from transferability.analysis.advice_pages import advice_sections, advice_table
from transferability.analysis.claim_parts import Study
from transferability.analysis.claims import claims_summary, claims_table, premises
from transferability.analysis.distance import distance_table, losses
from transferability.analysis.effects import effects_summary
from transferability.analysis.kernels import read_kernels
from transferability.analysis.relative import relative_accuracies
from transferability.results.accuracies import is_control, read_study
from transferability.study.architectures import layer_names

from .conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "findings.md"
FINDINGS = REPOSITORY / "docs" / "findings"
STUDIES = {"paper": "the paper", "pictures": "pictures", "tiny-imagenet": "real images"}
LAYERS = layer_names("timm/tf_efficientnet_lite0")


def measure(name: str) -> str:
    return "top1_best10" if name == "paper" else "top1"


@cache
def accuracies(name: str) -> pd.DataFrame:
    folder = FINDINGS / name
    return read_study([folder / "accuracy.csv"], [path for path in [folder / "by-class.csv"] if path.exists()])


@cache
def distances(name: str) -> pd.DataFrame:
    return pd.read_csv(FINDINGS / name / "distances.csv")


@cache
def study(name: str) -> Study:
    kernels = [path for path in [FINDINGS / name / "filters.csv"] if path.exists()]
    return Study.from_tables(accuracies(name), read_kernels(kernels), measure(name), distances(name))


@cache
def claims(name: str) -> pd.DataFrame:
    return claims_table(study(name), study("paper"))


def markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)


def points(value: float, low: float, high: float) -> str:
    """A difference in points with its interval; nothing where it is not known."""
    if pd.isna(value):
        return ""
    return f"{100 * value:+.1f}" + ("" if pd.isna(low) else f" ({100 * low:+.1f} to {100 * high:+.1f})")


def claims_side_by_side() -> str:
    """The nine claims, each study's verdict, and the parts that are not confirmed."""
    table = claims_summary(claims("paper"))[["claim", "conclusion"]].astype(str)
    for name, heading in STUDIES.items():
        table[heading] = claims_summary(claims(name))["verdict"]
    return markdown(table)


def parts_side_by_side() -> str:
    """Every part of every claim: its value and interval in each study, and its verdict there."""
    table = claims("paper")[["claim", "part", "rule"]].astype(str)
    for name, heading in STUDIES.items():
        cells = []
        for row in claims(name).itertuples():
            known = "" if pd.isna(row.value) else f"{row.value:.3f}"
            interval = "" if pd.isna(row.low) else f" ({row.low:.3f} to {row.high:.3f})"
            cells.append(f"{known}{interval}: {row.part_verdict}".removeprefix(": "))
        table[heading] = cells
    return markdown(table)


def networks_over_n() -> str:
    """Mean accuracy of base networks, and what treatments have above it, over the random splits."""
    rows = []
    for name, heading in STUDIES.items():
        table = accuracies(name)
        table = table[table["split"].str.startswith("random-")]
        control, column = is_control(table), measure(name)
        means = table.assign(control=control).groupby(["treatment", "fine_tuned", "n", "control"])[column].mean()
        base = means["base", False, 0, False]
        row = {"study": heading, "base": f"{100 * base:.1f} %"}
        for kind, (treatment, tuned) in {
            "BnB": ("selffer", False),
            "BnB+": ("selffer", True),
            "AnB": ("transfer", False),
            "AnB+": ("transfer", True),
        }.items():
            for n in (1, 4, 7):
                row[f"{kind}, n = {n}"] = f"{100 * (means[treatment, tuned, n, False] - base):+.1f}"
        row["B8B+"] = f"{100 * (table.loc[control, column].mean() - base):+.1f}" if control.any() else "none"
        rows.append(row)
    return markdown(pd.DataFrame(rows).set_index("study").T.reset_index(names=""))


def effects_side_by_side() -> str:
    """Effects, mean over n, with their intervals."""
    columns = {}
    for name, heading in STUDIES.items():
        table = effects_summary(accuracies(name), measure(name)).set_index(["effect", "difference"])
        columns[heading] = pd.Series([points(*row) for row in table[["value", "low", "high"]].to_numpy()], table.index)
    return markdown(pd.DataFrame(columns).loc[list(columns["pictures"].index)].fillna("").reset_index())


def growth_side_by_side() -> str:
    """The growth of transfer loss per 0.1 of semantic distance, at every n."""
    columns = {}
    for name, heading in STUDIES.items():
        table = distance_table(losses(relative_accuracies(accuracies(name), measure(name)), distances(name)))
        numbers = table[["slope", "low", "high"]].to_numpy()
        columns[heading] = pd.Series([points(*row) for row in numbers], table["n"])
    return markdown(pd.DataFrame(columns).reset_index(names="n").astype(str))


def distances_of_halves() -> str:
    """The distance of the halves of each split, by both measures."""
    tables = [distances(name).assign(study=heading) for name, heading in STUDIES.items()]
    table = pd.concat(tables)[["study", "split", "wu_palmer", "shortest_path"]]
    return markdown(table.assign(**{name: table[name].map("{:.3f}".format) for name in ("wu_palmer", "shortest_path")}))


def premises_said() -> str:
    said = [f"{heading}: {line}" for name, heading in STUDIES.items() for line in premises(study(name))]
    return "\n".join(said) or "All studies with a control had converged by the rule of claims.md (within 2 points)."


def ants_and_bees() -> str:
    """The advice on ants and bees, as advice.md gives it."""
    table = advice_table(accuracies("ants-bees"), "top1", LAYERS)
    section = advice_sections(accuracies("ants-bees"), table, "top1", LAYERS)[0]
    return f"{section.text}\n\n{markdown(section.table)}"


TABLES = {
    "claims": claims_side_by_side,
    "parts": parts_side_by_side,
    "networks": networks_over_n,
    "effects": effects_side_by_side,
    "growth": growth_side_by_side,
    "distances": distances_of_halves,
    "premises": premises_said,
    "ants-bees": ants_and_bees,
}


def written_again(page: str) -> str:
    """The page with its tables as they follow from the published CSVs."""
    return re.sub(
        r"(<!-- table ([\w-]+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{TABLES[match[2]]()}\n{match[3]}",
        page,
        flags=re.DOTALL,
    )


def test_the_page_follows_from_the_tables_beside_it(request):
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- table ([\w-]+) -->", page)) == set(TABLES)
    expected = written_again(page)
    if request.config.getoption("--write-docs"):
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, "pytest tests/test_findings.py --write-docs"


def test_figures_are_small_and_all_are_shown():
    pictures = sorted(FINDINGS.glob("*/*.png"))
    assert sum(path.stat().st_size for path in pictures) < 2e6
    pages = [PAGE, PAGE.with_name("gallery.md")]
    shown = [name for page in pages for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))]
    assert {str(Path("findings", path.parent.name, path.name)) for path in pictures} == set(shown)


@pytest.mark.parametrize("name", [*STUDIES, "ants-bees"])
def test_nothing_but_tables_and_figures_is_published(name):
    assert {path.suffix for path in (FINDINGS / name).iterdir()} <= {".csv", ".png"}
    assert not accuracies(name).empty
