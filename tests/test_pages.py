import re

import pandas as pd

from transferability.common.pages import Section, write_pages

from .browser import needs_browser, shown

TABLE = pd.DataFrame({"n": [1, 2], "name": ["a|b", None], "value": [0.12345, float("nan")]})


def test_a_table_is_written_for_programs_and_for_people(tmp_path):
    paths = [tmp_path / f"table.{suffix}" for suffix in ("csv", "md", "html")]
    write_pages(TABLE, [Section("A <title>", "What it is.", TABLE)], paths, digits=3)
    assert pd.read_csv(paths[0])["value"].tolist()[0] == 0.12345
    assert paths[1].read_text().startswith("## A <title>\n\nWhat it is.\n\n| n")
    assert r"a\|b" in paths[1].read_text()
    assert "0.123" in paths[1].read_text() and "nan" not in paths[1].read_text()
    html, script = paths[2].read_text().split("<script>")
    assert "sortable" in html and script.startswith("document.addEventListener")
    assert "<h2>A &lt;title&gt;</h2>" in html and "0.123" in html and "NaN" not in html
    assert html.count("<tr") == 3


@needs_browser
def test_a_click_on_a_columns_head_sorts_the_table(tmp_path):
    table = pd.DataFrame({"n": [2, 10, 1], "name": ["b", "c", "a"]})
    write_pages(table, [Section("A table", "", table)], [tmp_path / "table.html"])
    for clicks, order in ((0, ["2", "10", "1"]), (1, ["10", "2", "1"]), (2, ["1", "2", "10"])):
        dom = shown(tmp_path / "table.html", tmp_path / "profile", "document.querySelector('th').click();" * clicks)
        assert re.findall(r'<td data-head="n">(\d+)</td>', dom) == order
