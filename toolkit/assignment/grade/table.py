"""CSV tables that are safe to open in any spreadsheet program, even if the text in their cells
comes from untrusted people.
"""

import csv
import io
from collections.abc import Iterable

from toolkit.common.errors import printable

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # also in full width, as on East Asian keyboards


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """Return the rows of a table as CSV, with one line for each row."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in rows:
        writer.writerow(map(cell, row))
    return file.getvalue()


def cell(value: str) -> str:
    """Return text as a cell that no spreadsheet interprets as a formula.

    In countries with a decimal comma, spreadsheets split the lines of a CSV file at semicolons,
    even between quotation marks. The function therefore replaces semicolons with commas, and
    unprintable characters such as tabs with spaces.
    """
    text = printable(value.replace(";", ","))
    if text.lstrip().startswith(FORMULA) and len(text.strip()) > 1:  # "-" alone is not a formula
        return f"'{text}"
    return text
