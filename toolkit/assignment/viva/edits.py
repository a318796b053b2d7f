"""Small changes to one or two lines of a student's program; all other lines stay as they are."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolkit.assignment.handin.syntax import parsed

KINDS = ("removed", "doubled", "swapped")
# Lines that only print or save, that read arguments, or with which all programs begin.
DULL = re.compile(
    r"\b(print|logg\w+|writer|plt|tqdm|save\w*|progress\w*|parser|num_workers|\w*seed\w*)\b"
)
CodeLine = tuple[str, int]  # a file and a line
Statement = ast.Assign | ast.AugAssign | ast.Expr


class Edit(NamedTuple):
    """A small change to a program: its kind, its location, and the full text of the changed file.

    The kind `removed` replaces a line with `pass`. The kind `doubled` doubles the only nonzero
    number in a line. The kind `swapped` makes a line change places with the next one. A line that
    assigns a variable without reading its old value is never replaced by `pass`.
    """

    kind: str
    at: CodeLine
    text: str


def edits(file: str, text: str, states: Mapping[CodeLine, int]) -> Iterator[Edit]:
    """Yield the possible changes to each statement that ran and is alone on its line.

    Args:
        states: for each line that ran, the state of the random number generators right after its
            first run.
    """
    lines = text.split("\n")
    ran = {line for name, line in states if name == file}
    statements = _alone(text, lines, ran)
    for number, node in statements.items():

        def changed(kind: str, *new: str, number: int = number, node: ast.stmt = node) -> Edit:
            indented = [" " * node.col_offset + line for line in new]
            after = [*lines[: number - 1], *indented, *lines[number - 1 + len(new) :]]
            return Edit(kind, (file, number), "\n".join(after))

        if not _makes_a_variable(node):
            yield changed("removed", "pass")
        doubled = _doubled(node, lines[number - 1])
        if doubled:
            yield changed("doubled", doubled)
        following = statements.get(number + 1)
        if following is None or following.col_offset != node.col_offset:
            continue
        # Otherwise the second line, and perhaps the first, draws random numbers.
        if states[file, number] == states.get((file, number + 1)):
            yield changed("swapped", ast.unparse(following), ast.unparse(node))


def _alone(text: str, lines: list[str], ran: set[int]) -> dict[int, Statement]:
    """Map line numbers to the statements that ran and are alone on their line, leaving out lines
    that contain a word in `DULL`, such as `print`.
    """
    tree = parsed(text)
    if tree is None:
        return {}
    alone: dict[int, Statement] = {}
    for node in ast.walk(tree):
        if not isinstance(node, Statement) or node.lineno not in ran:
            continue
        line = lines[node.lineno - 1]
        is_alone = node.end_lineno == node.lineno and ";" not in line
        if is_alone and line.isascii() and not DULL.search(line):
            alone[node.lineno] = node
    return alone


def _makes_a_variable(node: Statement) -> bool:
    """Return True if a statement is an assignment that reads none of the variables it assigns."""
    stored: set[str] = set()
    read: set[str] = set()
    for name in ast.walk(node):
        if isinstance(name, ast.Name) and name.id != "self":
            names = stored if isinstance(name.ctx, ast.Store) else read
            names.add(name.id)
    return isinstance(node, ast.Assign) and stored.isdisjoint(read)


def _doubled(node: Statement, line: str) -> str:
    """Return a statement with its only nonzero number doubled, or "" if it has none or several."""
    numbers = []
    for constant in ast.walk(node):
        if not isinstance(constant, ast.Constant) or not constant.value:
            continue
        if type(constant.value) in (int, float):
            numbers.append(constant)
    if len(numbers) != 1:
        return ""
    first, last = numbers[0].col_offset, numbers[0].end_col_offset
    doubled = str(2 * ast.literal_eval(line[first:last]))
    return line[node.col_offset : first] + doubled + line[last:]
