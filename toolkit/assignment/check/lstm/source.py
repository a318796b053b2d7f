"""What only the text of a student's file tells: names, and loops around a line."""

import ast
import re
from collections.abc import Iterator

from toolkit.assignment.check.verdicts import Placed

COUNTS = re.compile(r"\.size\(|\.shape|len\(")  # asks its input how long it is


class Source:
    """The text of a student's file, and the class in it that is judged.

    Args:
        text: of the file.
        kind: the name of the class.
    """

    def __init__(self, text: str, kind: str) -> None:
        self.lines = text.splitlines()
        try:
            self.tree = ast.parse(text)
        except (SyntaxError, ValueError):
            self.tree = ast.Module([], [])
        classes = [n for n in ast.walk(self.tree) if isinstance(n, ast.ClassDef)]
        self._methods = [  # that run in a forward pass: those of the judged class, then others
            node
            for one in sorted(classes, key=lambda c: c.name != kind)
            for node in one.body
            if isinstance(node, ast.FunctionDef) and node.name != "__init__"
        ]

    def loop_line(self, line: int | None = None) -> int | None:
        """The loop over time: the outermost one around a line, else the first in a forward; where
        steps are written out, the first line that takes a numbered item of something."""
        loops = [n for n in self._nodes() if isinstance(n, ast.For | ast.While)]
        around = [n.lineno for n in loops if line and _around(n, line)]
        numbered = [
            node.lineno
            for node in self._nodes()
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        ]
        lines = around or [n.lineno for n in loops] or numbered
        return min(lines, default=None)

    def line_of_length(self, failed: Placed | None) -> int | None:
        """Where a fixed length would be mended: the loop around what failed, unless it counts the
        steps of its input."""
        line = failed.line if failed else None
        loop = self.loop_line(line)
        header = self.lines[loop - 1].partition(" in ")[2] if loop else ""
        counted = [
            ast.unparse(node.targets[0])
            for node in self._nodes()
            if isinstance(node, ast.Assign) and COUNTS.search(ast.unparse(node.value))
        ]
        names = set(re.findall(r"\w+", " ".join(counted)))
        reads = COUNTS.search(header) or names & set(re.findall(r"\w+", header))
        return line if reads and line else loop or line

    def chooses_gpu(self) -> int | None:
        """The line of a method that asks whether there is a GPU, other than the constructor."""
        nodes = (node for node in self._nodes() if isinstance(node, ast.Attribute))
        return min((n.lineno for n in nodes if n.attr == "is_available"), default=None)

    def _nodes(self) -> Iterator[ast.AST]:
        for method in self._methods:
            yield from ast.walk(method)


def _around(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)
