"""Tables as CSV that any spreadsheet may open, even if a stranger wrote some of the cells."""

import csv
import io
from collections.abc import Iterable

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # also as East Asian keyboards write them


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """Return a line for each row, with commas between the cells."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in rows:
        writer.writerow(map(cell, row))
    return file.getvalue()


def cell(value: str) -> str:
    """Return the text as one cell that is not a formula.

    Where a comma is the decimal sign, spreadsheets split cells at semicolons, even inside quotes
    that began before them. So commas replace semicolons, and spaces replace tabs.
    """
    text = ""
    for character in value.replace(";", ","):
        text += character if character.isprintable() else " "
    if text.lstrip().startswith(FORMULA) and len(text.strip()) > 1:  # "-" alone is not a formula
        return f"'{text}"
    return text
