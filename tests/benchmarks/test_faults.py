"""The faults that are planted: of each kind one, and never in a text or a comment."""

import ast

import faults
import pytest
from faults import Fault, Python, javascript_edits, with_fault

MODULE = """
def f(x, y):
    # x + y
    with LOCK:
        total = x + y - len("a + b")
    if x < y:
        g(total)
    file.close()
    for k in range(x):
        print("x" + str(k))
    return h(x, y)[1:]
"""
SCRIPT = """
// a + b
const total = a + b;
const word = "a + b";
for (let k = 0; k < n; k++) go(k, n);
  timer.close();
  show(total);
"""


def changed(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("wrong sign", {'        total = x - y - len("a + b")'}),
        (
            "off by one",
            {"    if x <= y:", "    for k in range((x) + 1):", "    return h(x, y)[2:]"},
        ),
        ("dropped call", {"        pass"}),
        ("swapped arguments", {"    return h(y, x)[1:]"}),
        ("lost lock or close", {"    pass", "    if True:"}),
    ],
)
def test_each_kind_in_python(kind: str, lines: set[str]) -> None:
    edits = [edit for edit in Python(MODULE).edits() if edit.kind == kind]
    texts = [changed(MODULE, edit.start, edit.end, edit.new) for edit in edits]
    new = {line for text in texts for line in set(text.split("\n")) - set(MODULE.split("\n"))}
    assert lines <= new
    for text in texts:
        ast.parse(text)
        assert "# x + y" in text
        assert '"x" - ' not in text


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("wrong sign", "const total = a - b;"),
        ("off by one", "for (let k = 0; k <= n; k++) go(k, n);"),
        ("off by one", "for (let k = 1; k < n; k++) go(k, n);"),
        ("swapped arguments", "for (let k = 0; k < n; k++) go(n, k);"),
        ("dropped call", ";"),
        ("lost lock or close", ";"),
    ],
)
def test_each_kind_in_javascript(kind: str, line: str) -> None:
    texts = [changed(SCRIPT, e.start, e.end, e.new) for e in javascript_edits(SCRIPT)
             if e.kind == kind]  # fmt: skip
    assert any(line in text.split("\n") for text in texts)
    assert all("// a + b" in text and '"a + b"' in text for text in texts)


def test_a_fault_is_found_where_its_line_has_gone() -> None:
    fault = Fault("x.py", 1, "wrong sign", "a = b + c", "a = b - c", "", {})
    assert with_fault("a = b + c\n\n\n\na = b + c\n", fault) == "a = b - c\n\n\n\na = b + c\n"
    assert with_fault("\na = b + c", fault) == "\na = b - c"
    with pytest.raises(SystemExit, match=r"x\.py has changed"):
        with_fault("a = c", fault)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_lists_have_as_many_as_they_should(seed: int) -> None:
    """Each in a module of its own, and each that was thrown out for a reason."""
    listed = faults.read(seed)
    assert len({fault.file for fault in listed}) == len(listed)
    assert sum(not fault.thrown_out for fault in listed) == {1: 40, 2: 15}[seed]
