"""Escaping of CSV texts that a spreadsheet would run as formulas: a class may be called =HYPERLINK(...)."""

import re

import pandas as pd

MARK = "'"
FORMULA = re.compile(rf"{MARK}*[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?\s?%?")


def for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with MARK put before each text that begins like a formula, even if the text has marks already."""
    marked = {name: column.map(_marked) for name, column in table.items() if column.map(_is_formula).any()}
    return table.assign(**marked)


def as_given(texts: pd.Series) -> pd.Series:
    """Return the original texts of a column that `for_spreadsheets` has escaped."""
    return texts.map(lambda text: text.removeprefix(MARK) if _is_formula(text) else text)


def _marked(cell: object) -> object:
    return f"{MARK}{cell}" if _is_formula(cell) else cell


def _is_formula(cell: object) -> bool:
    return isinstance(cell, str) and bool(FORMULA.match(cell)) and not NUMBER.fullmatch(cell)
