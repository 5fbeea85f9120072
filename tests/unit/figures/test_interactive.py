"""Figure 2 to explore in a browser."""

import re

import pytest

from tests.browser import needs_browser, shown
from tests.unit.figures.test_figure2 import study
from transferability.common.resources import RESOURCES
from transferability.figures.interactive import interactive_figure2, save_chart
from transferability.results.paper import paper_accuracies

PAPER = paper_accuracies(RESOURCES / "paper_accuracies.csv")


def test_every_network_is_a_mark_that_says_what_it_is():
    chart = interactive_figure2(study(), "top1")
    networks = chart.layer[1].data.set_index(["split", "network"])
    assert len(networks) == len(study())
    assert networks.loc[("random-0", "B2B+")].to_dict() == pytest.approx(
        {"treatment": "selffer BnB+", "n": 2, "accuracy": 0.62, "points": 2.0, "beside": 1.94}
    )
    assert networks.loc[("random-1", "B8B+"), "treatment"] == "control B8B+"
    assert networks.loc[("random-1", "baseA"), "points"] == 0
    said = chart.layer[1].to_dict()["encoding"]["tooltip"]
    assert [part["field"] for part in said] == ["network", "split", "accuracy", "points"]


def test_lines_are_the_means_over_splits_and_halves():
    means = interactive_figure2(PAPER, "top1_best10").layer[0].data.set_index(["treatment", "n"])["accuracy"]
    networks = PAPER[PAPER["split"].str.startswith("random-") & (PAPER["treatment"] == "transfer")]
    expected = networks[networks["fine_tuned"].astype(bool)].groupby("n")["top1_best10"].mean()
    assert means["transfer AnB+"].to_dict() == pytest.approx(expected.to_dict())


def test_the_same_networks_give_the_same_page(tmp_path):
    for name in ("one", "two"):
        save_chart(interactive_figure2(study(), "top1"), tmp_path / f"{name}.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']https?:", text)


@needs_browser
def test_a_box_hides_the_networks_of_a_treatment(tmp_path):
    chart = interactive_figure2(study(), "top1")
    page = tmp_path / "figure2.html"
    page.write_text(chart.to_html(inline=True, embed_options={"renderer": "svg"}), encoding="utf-8")
    boxes = "document.querySelectorAll('.vega-bindings input')"

    def marks(then: str) -> int:
        return shown(page, tmp_path / "profile", then).count('aria-roledescription="point"')

    everything = marks("")
    assert everything >= len(study())
    assert marks(f"{boxes}[0].click()") == everything - 4  # the four base networks
