import re

import pandas as pd

from tests.browser import needs_browser, shown
from transferability.common.pages import Section, write_pages
from transferability.common.spreadsheets import as_given, for_spreadsheets

TABLE = pd.DataFrame({"n": [1, 2], "name": ["a|b", None], "value": [0.12345, float("nan")]})


def test_a_table_is_written_for_programs_and_for_people(tmp_path):
    paths = [tmp_path / f"table.{suffix}" for suffix in ("csv", "md", "html")]
    write_pages(TABLE, [Section("A <title>", "What it is.", TABLE)], paths, digits=3)
    assert pd.read_csv(paths[0])["value"].tolist()[0] == 0.12345
    assert paths[1].read_text().startswith("## A &lt;title>\n\nWhat it is.\n\n| n")
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


HOSTILE = {
    "=HYPERLINK(A1)": "=HYPERLINK(A1)",
    "<script>alert(1)</script>": "&lt;script>alert(1)&lt;/script>",
    "<!-- n < 3": "&lt;!-- n < 3",
    "a|b": r"a\|b",
    "a\\|b": r"a&#92;\|b",
    "a\nb\r\n# c": "a b  # c",
    "[here](javascript:alert(1))": r"[here]\(javascript:alert(1))",
    "![](http://x/y.png)": r"![]\(http://x/y.png)",
    "\x1b[31mred": "\N{REPLACEMENT CHARACTER}[31mred",
    "café [0.1, 0.3]": "café [0.1, 0.3]",
}


def test_names_are_no_html_no_links_and_no_columns(tmp_path):
    table = pd.DataFrame({"name": list(HOSTILE), "value": range(len(HOSTILE))})
    write_pages(table, [Section("<b>Names</b>", "Of <i>classes</i>.", table)], [tmp_path / "t.md", tmp_path / "t.html"])
    title, _, text, _, _, _, *rows = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()
    assert [title, text] == ["## &lt;b>Names&lt;/b>", "Of &lt;i>classes&lt;/i>."]
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert [[cell.strip() for cell in row] for row in cells] == [
        [shown, str(value)] for value, shown in enumerate(HOSTILE.values())
    ]
    html = (tmp_path / "t.html").read_text(encoding="utf-8").partition("<script>")[0]
    assert not re.search("<(script|b|i|!--)", html.partition("<section>")[2])


GIVEN = [
    *("=1+1", "+cmd", "-cat", "@SUM(A1)", "\tx", "'=1", "''@x", "'quoted'", "-", '="a"', "n01440764", "", "None"),
    *("-0.5", "+3", "1e-3", "-12 %"),  # numbers stay as they are
]


def test_a_spreadsheet_finds_no_formulas_and_a_program_what_was_given(tmp_path):
    table = pd.DataFrame({"wnid": GIVEN, "difference": [-0.5] * len(GIVEN), "sure": [True, None, "x"] + [2.5] * 14})
    write_pages(table, [], [tmp_path / "table.csv"])
    found = pd.read_csv(tmp_path / "table.csv", dtype={"wnid": str}, keep_default_na=False)
    assert not [text for text in found["wnid"] if text[:1] in tuple("=@\t") or re.match(r"[+-]\D|[+-]$", text)]
    assert as_given(found["wnid"]).tolist() == GIVEN
    assert (found["difference"] == -0.5).all()
    assert found["wnid"].tolist()[-10:] == ["'quoted'", "'-", '\'="a"', *GIVEN[-7:]]


def test_a_table_without_formulas_has_the_same_bytes():
    table = pd.DataFrame({"mixed": [None, 0.123456789, "x"], "wnid": ["a", "b", None], "value": [1, -2, 3]})
    assert for_spreadsheets(table).to_csv(float_format="%.6g") == table.to_csv(float_format="%.6g")
