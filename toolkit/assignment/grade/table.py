"""Tables as CSV that any spreadsheet may open, whoever wrote what is in them."""

import csv
import io
from collections.abc import Iterable

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # also as East Asian keyboards write them


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """A line for each row, with commas between the cells."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def cell(value: str) -> str:
    """The text as a cell that is no formula, and one cell whatever separates cells elsewhere.

    Where a comma is the decimal sign, spreadsheets separate at semicolons, even inside of quotes
    that began before them; so there are none, and no tabs.
    """
    text = "".join(c if c.isprintable() else " " for c in value).replace(";", ",")
    formula = text.lstrip().startswith(FORMULA) and len(text.strip()) > 1  # "-" alone is none
    return f"'{text}" if formula else text
