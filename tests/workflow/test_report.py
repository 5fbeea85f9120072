"""The report is one page that holds every figure and table, and opens in a browser."""

import base64
import json
import re

import pytest

from tests.browser import needs_browser, shown

SMOKE = ("--configfile", "config/smoke.yaml")


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
    both |= {"figure2.html"}
    papers = both | {"figure4.png", "distance.html", "distances.html"}  # of this study where it has mixed splits
    assert names == figures | {"configuration.html", "provenance.html"} | both | {f"paper/{name}" for name in papers}
    for path, result in results.items():
        head, content = result["data_uri"].split(",", 1)
        data = base64.b64decode(content) if "base64" in head else content.encode()
        assert data == (page.parents[2] / path).read_bytes(), path
        assert result["caption"], path
        assert result["labels"]["measured"] == ("in the paper" if "/paper/" in path else "here")
    assert set(embedded(page, "categories")) == {"Figures", "Tables", "Claims", "Provenance"}


def test_the_page_loads_nothing_from_elsewhere(page):
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']https?:", text)


@needs_browser
def test_a_browser_shows_the_page(page, tmp_path):
    dom = shown(page, tmp_path)
    for text in ("Figures", "Tables", "Claims", "Provenance", "The study of", "Statistics"):
        assert text in dom, text
    # The answers are frames whose content the page holds already: what is not a result of this study is taken out.
    frames = re.findall(r'<iframe title="([^"]+)"[^>]* srcdoc="', dom)
    assert frames == ["Figure 2", "What this study confirms", "What to copy"]


# Again and again until the frames have their heights: the browser's clock runs ahead of what a busy machine draws.
MEASURED = """let looks = 0;
const frames = [...document.querySelectorAll('iframe')];
const measured = frame => {
  const page = frame.contentDocument.documentElement;
  const inner = [page, ...page.querySelectorAll('table')];
  const last = [...page.querySelectorAll('input, tr')].pop()?.getBoundingClientRect();
  return [
    Math.max(...inner.map(part => part.scrollWidth - part.clientWidth)), page.scrollHeight - frame.clientHeight,
    last && last.bottom <= frame.clientHeight,
    [...page.querySelectorAll('h2')].map(head => head.textContent).join('; '),
  ];
};
const look = setInterval(() => {
  const all = frames.map(measured);
  if (++looks < 2000 && all.some(([, higher]) => higher > 0)) return;
  clearInterval(look);
  frames.forEach((frame, place) => { frame.title += ['', ...all[place]].join('|'); });
}, 5);"""


@needs_browser
@pytest.mark.parametrize("size", [(1400, 1000), (1366, 768), (400, 800)])
def test_answers_are_shown_whole(page, tmp_path, size):
    """Nothing scrolls inside of a box, and neither a column nor the last row or box to tick is cut off."""
    titles = re.findall(r'<iframe title="([^"]+)"', shown(page, tmp_path, MEASURED, size))
    measured = {title: rest for title, *rest in (title.split("|") for title in titles)}
    assert len(measured) == 3
    for title, (wider, higher, last_is_seen, _) in measured.items():
        assert (int(wider) <= 0, int(higher) <= 0, last_is_seen) == (True, True, "true"), (title, size, measured)
    assert measured["What this study confirms"][3] == "Claims", "what verdicts rest on is for its own page"
    assert measured["What to copy"][3].split(": ")[0] == "Advice" and "Rules" not in measured["What to copy"][3]
