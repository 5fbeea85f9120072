"""Tables as Markdown and HTML pages for readers, and as CSV for programs."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import pandas as pd

from transferability.common.atomic_files import write_text
from transferability.common.spreadsheets import for_spreadsheets

STYLE = """body { font: 13px/1.4 sans-serif; margin: 1.2em; color: #1b1b1b; background: white }
p { max-width: 48em }
img { max-width: 52em }
table { border-collapse: collapse; margin: 0.8em 0 1.6em; display: block; overflow-x: auto }
th, td { padding: 0.25em 0.8em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top }
th { border-bottom: 2px solid #888; cursor: pointer }
th[aria-sort=ascending]::after { content: " \\25b2" }
th[aria-sort=descending]::after { content: " \\25bc" }
@media (max-width: 480px) {
  thead { display: none }
  tr { display: block; padding: 0.5em 0; border-bottom: 2px solid #888 }
  td { display: grid; grid-template-columns: 10.5em 1fr; padding: 0.1em 0; border: 0 }
  td::before { content: attr(data-head); color: #555 }
  td:empty { display: none }
}"""
# Sorts a table by the column whose header is clicked: sortable-tablesort 4.1.7, Unlicense.
SORTABLE = Path(__file__).parent / "sortable.min.js"


@dataclass(frozen=True)
class Section:
    """A section of a page: explanatory text, with a table, a figure, or neither.

    A blank line in the text begins a new paragraph. `image` is a PNG file. HTML pages embed it; Markdown pages refer to
    it by its name and are written to the same directory.
    """

    title: str
    text: str
    table: pd.DataFrame | None = None
    image: Path | None = None


def write_pages(csv: pd.DataFrame, sections: Sequence[Section], paths: Iterable[Path], digits: int = 3) -> None:
    """Write `csv` to each path that ends in .csv, and the sections as a page to each that ends in .md or .html.

    The texts of a table are escaped: whatever the names of classes, none becomes a formula, HTML, a link or a further
    column. Numbers in pages are rounded to `digits` decimals; missing ones are left empty.
    """
    for path in paths:
        if path.suffix == ".csv":
            write_text(path, for_spreadsheets(csv).to_csv(index=False, float_format="%.6g"))
        else:
            page = _markdown if path.suffix == ".md" else _html
            write_text(path, page([replace(section, table=_rounded(section.table, digits)) for section in sections]))


def in_markdown(text: str) -> str:
    """Return a text as one line that Markdown shows literally: it holds no HTML and no link, and ends no table cell."""
    line = re.sub(r"\\+(?=\|)", lambda found: "&#92;" * len(found[0]), one_line(text))
    return re.sub(r"\](?=[(\[])", r"]\\", _without_html(line)).replace("|", r"\|")


def one_line(text: str) -> str:
    """Return a text as one line of printable characters."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _without_html(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def _rounded(table: pd.DataFrame | None, digits: int) -> pd.DataFrame | None:
    """The table as text."""
    if table is None:
        return None
    shown = {
        "float": lambda x: "" if pd.isna(x) else f"{x:.{digits}f}",
        "other": lambda x: "" if pd.isna(x) else str(x),
    }
    return pd.DataFrame(
        {
            name: column.map(shown["float" if pd.api.types.is_float_dtype(column) else "other"])
            for name, column in table.items()
        }
    )


def _markdown(sections: Sequence[Section]) -> str:
    parts = []
    for section in sections:
        parts += [f"## {_without_html(section.title)}", _without_html(section.text)]
        if section.table is not None:
            parts.append(section.table.map(in_markdown).to_markdown(index=False, disable_numparse=True))
        if section.image:
            parts.append(f"![{section.title}]({section.image.name})")
    return "\n\n".join(parts) + "\n"


def _html(sections: Sequence[Section]) -> str:
    parts = [
        "<!doctype html>",
        f"<meta charset='utf-8'><title>{escape(sections[0].title)}</title><style>{STYLE}</style>",
    ]
    for section in sections:
        parts.append(f"<section><h2>{escape(section.title)}</h2>")
        parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text.split("\n\n")]
        if section.table is not None:
            parts.append(_html_table(section.table))
        if section.image:
            picture = b64encode(section.image.read_bytes()).decode()
            parts.append(f"<img src='data:image/png;base64,{picture}' alt='{escape(section.title)}' width='100%'>")
        parts.append("</section>")
    parts.append(f"<script>{SORTABLE.read_text(encoding='utf-8')}</script>")
    return "\n".join(parts) + "\n"


def _html_table(table: pd.DataFrame) -> str:
    """A table of texts. Each cell has its column's header as an attribute: phones show a row as a list of both."""
    heads = [escape(str(name)) for name in table]
    rows = [
        "".join(f'<td data-head="{head}">{escape(cell)}</td>' for head, cell in zip(heads, row, strict=True))
        for row in table.itertuples(index=False)
    ]
    head = "".join(f"<th>{head}</th>" for head in heads)
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table class='sortable'><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
