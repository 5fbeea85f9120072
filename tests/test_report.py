"""The report is one page that holds every figure and table, and opens in a browser."""

import base64
import json
import re
import shutil
import subprocess

import pytest

SMOKE = ("--configfile", "config/smoke.yaml")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(checkout):
    checkout.snakemake("--report", "results/smoke/report.html", *SMOKE)
    return checkout.root / "results/smoke/report.html"


def embedded(page, name: str):
    """What the page holds as data under a name: results, categories, ..."""
    text = page.read_text(encoding="utf-8")
    script = re.search(rf'<script id="{name}">\s*var \w+ = (.*?);\s*</script>', text, re.DOTALL)
    return json.loads(script[1])


def test_every_figure_and_table_is_in_the_page(page):
    results = embedded(page, "results")
    names = {path.removeprefix("results/smoke/") for path in results}
    figures = {f"{name}.png" for name in ("figure1", "figure2", "figure3", "figureS1", "filters", "curves", "advice")}
    tables = {"table1", "tableS1", "effects", "claims", "advice", "classes", "wordnet_nodes"}
    both = {f"{name}.html" for name in tables} | {"advice.png", "figure2.png", "figure3.png", "figureS1.png"}
    papers = both | {"figure4.png", "distance.html", "distances.html"}  # of this study where it has mixed splits
    assert names == figures | {"provenance.html"} | both | {f"paper/{name}" for name in papers}
    for path, result in results.items():
        head, content = result["data_uri"].split(",", 1)
        data = base64.b64decode(content) if "base64" in head else content.encode()
        assert data == (page.parents[2] / path).read_bytes(), path
        assert result["caption"], path
        assert result["labels"]["from"] == ("the paper" if "/paper/" in path else "this study")
    assert set(embedded(page, "categories")) == {"Figures", "Tables", "Claims", "Provenance"}


def test_the_page_tells_the_configuration_and_loads_nothing_from_elsewhere(page):
    text = page.read_text(encoding="utf-8")
    assert "examples_per_class" in text and "results/smoke" in text
    assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']https?:", text)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to open the report with")
def test_a_browser_shows_the_page(page, tmp_path):
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=10000",
    ]
    run = subprocess.run([CHROMIUM, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    shown = re.sub(r"<script.*?</script>", "", run.stdout, flags=re.DOTALL)
    for text in ("Figures", "Tables", "Claims", "Provenance", "Configuration of this study", "Statistics"):
        assert text in shown, text
