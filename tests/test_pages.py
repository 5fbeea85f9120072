import pandas as pd

from transferability.common.pages import Section, write_pages

TABLE = pd.DataFrame({"n": [1, 2], "name": ["a|b", None], "value": [0.12345, float("nan")]})


def test_a_table_is_written_for_programs_and_for_people(tmp_path):
    paths = [tmp_path / f"table.{suffix}" for suffix in ("csv", "md", "html")]
    write_pages(TABLE, [Section("A <title>", "What it is.", TABLE)], paths, digits=3)
    assert pd.read_csv(paths[0])["value"].tolist()[0] == 0.12345
    assert paths[1].read_text().startswith("## A <title>\n\nWhat it is.\n\n| n")
    assert r"a\|b" in paths[1].read_text()
    assert "0.123" in paths[1].read_text() and "nan" not in paths[1].read_text()
    html = paths[2].read_text()
    assert "<h2>A &lt;title&gt;</h2>" in html and "0.123" in html and "NaN" not in html
    assert html.count("<tr") == 3
