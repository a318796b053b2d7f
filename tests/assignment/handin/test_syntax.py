"""The functions of a file that are still to be written."""

import ast

import pytest

from toolkit.assignment.handin.syntax import unwritten

NONE = """
def forward(x):
    # TODO: the loop over time
    h, c = None, None
    return h, c
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("", "", ["forward"]),
        ("# TODO: the loop over time", "h, c = step(x)", []),
        ("h, c = None, None", "h, c = None, step(x)", []),
        ("h, c = None, None", "self.h = None", []),
        ("return h, c", "return h, x", []),
        ("", NONE.replace("None, None", "step(x)"), []),  # defined once more, and then written
    ],
)
def test_none_where_something_is_to_be_done(old: str, new: str, found: list[str]) -> None:
    source = NONE + new
    if old:
        source = NONE.replace(old, new)
    assert [name for _, name in unwritten(ast.parse(source), source)] == found
