"""Cells of a table that strangers wrote: text in every spreadsheet, and one cell in each."""

import csv
import io

import pytest

from toolkit.assignment.grade.table import as_csv, cell


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\t=1+1", "' =1+1"),  # a tab begins a cell, too
        ("\uff1d1+1", "'\uff1d1+1"),  # as Excel reads it in Japanese
        ("a;=1+1", "a,=1+1"),  # where a comma is the decimal sign, a semicolon ends a cell
        ("a\t=1+1", "a =1+1"),
        ("a\r\n=1+1", "a  =1+1"),
        ("1-2 = -1", "1-2 = -1"),
        ("-", "-"),
        ("Zoë 张", "Zoë 张"),
        ("", ""),
    ],
)
def test_cell(written: str, shown: str) -> None:
    assert cell(written) == shown


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_formula_whatever_the_separator(separator: str) -> None:
    """Read as spreadsheets in different countries would, no cell begins a formula."""
    hostile = ["x;=1", "x\t=1", '"', '";=1', ',;=1', "=1", "a\n=1"]  # fmt: skip
    table = as_csv([hostile, hostile])
    for line in csv.reader(io.StringIO(table), delimiter=separator):
        assert not [found for found in line if found.startswith(("=", "+", "-", "@"))]
    assert len(list(csv.reader(io.StringIO(table)))) == 2
