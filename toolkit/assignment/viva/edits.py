"""Small changes of a student's program that keep all other lines where they are."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolkit.assignment.syntax import parsed

KINDS = ("removed", "doubled", "swapped")
# What only shows something, what reads arguments, and what all runs begin with.
DULL = re.compile(
    r"\b(print|logg\w+|writer|plt|tqdm|save\w*|progress\w*|parser|num_workers|\w*seed\w*)\b"
)


class Edit(NamedTuple):
    """A change, the place that it is about, and the file's text then.

    A line is `removed`, unless what it assigns is new; its only number is `doubled`; it is
    `swapped` with the next one.
    """

    kind: str
    at: tuple[str, int]
    text: str


def edits(file: str, text: str, states: Mapping[tuple[str, int], int]) -> Iterator[Edit]:
    """All changes of statements that are alone on their line, and ran.

    Args:
        states: of what draws random numbers, after the first time of each line that ran.
    """
    lines, nodes = text.split("\n"), list(ast.walk(parsed(text) or ast.Module([], [])))
    alone = {
        node.lineno: node
        for node in nodes
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr) and (file, node.lineno) in states
        if node.end_lineno == node.lineno and ";" not in (line := lines[node.lineno - 1])
        if line.isascii() and not DULL.search(line)
    }
    for number, node in alone.items():

        def changed(kind: str, *new: str, number: int = number, node: ast.stmt = node) -> Edit:
            indented = [" " * node.col_offset + line for line in new]
            after = [*lines[: number - 1], *indented, *lines[number - 1 + len(new) :]]
            return Edit(kind, (file, number), "\n".join(after))

        code, below = ast.unparse(node), alone.get(number + 1)
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id != "self"]
        stored = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
        is_new = isinstance(node, ast.Assign) and stored.isdisjoint(read)
        if not is_new:
            yield changed("removed", "pass")
        constants = [n for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value]
        found = [n for n in constants if type(n.value) in (int, float)]
        if len(found) == 1:
            first, last = found[0].col_offset, found[0].end_col_offset
            line = lines[number - 1]
            twice = str(2 * ast.literal_eval(line[first:last]))
            yield changed("doubled", line[node.col_offset : first] + twice + line[last:])
        draws = states[file, number] != states.get((file, number + 1))  # perhaps both do
        if below is not None and below.col_offset == node.col_offset and not draws:
            yield changed("swapped", ast.unparse(below), code)
