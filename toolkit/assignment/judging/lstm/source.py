"""Finds the loops around a line of a source file."""

import ast
import re
from collections.abc import Iterator

from toolkit.assignment.findings.findings import Placed
from toolkit.assignment.handin.syntax import parsed

COUNTS = r"\.size\(|\.shape|len\("  # asks its input how long it is


class Source:
    """The source code of a student's file, and the class in it that is being judged.

    Args:
        text: of the file.
        kind: the name of the class.
    """

    def __init__(self, text: str, kind: str) -> None:
        self.text = text
        nodes = ast.walk(parsed(text) or ast.Module([], []))
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        classes.sort(key=lambda node: node.name != kind)  # the class that is judged comes first
        self._loops: list[ast.For | ast.While] = []
        for node in classes:
            self._loops += _loops(node)

    def loop_line(self, line: int | None = None) -> int | None:
        """Return the line number of the loop over time: the outermost loop that contains `line` or,
        if there is no such loop, the first loop in the code.
        """
        around = self._loops_around(line) if line else []
        starts = [loop.lineno for loop in around or self._loops]
        return min(starts, default=None)

    def _loops_around(self, line: int) -> list[ast.For | ast.While]:
        return [loop for loop in self._loops if loop.lineno <= line <= (loop.end_lineno or 0)]

    def line_of_length(self, failed: Placed | None) -> int | None:
        """Return the number of the line that probably hard-codes the sequence length.

        The result is the first line of the loop around the line that failed. If this loop already
        takes its number of steps from the input, the result is the line that failed.
        """
        line = failed.line if failed else None
        loop = self.loop_line(line)
        if loop is None:
            return line
        return line if line and self._counts_steps(loop) else loop

    def _counts_steps(self, line: int) -> bool:
        """True if the header of the loop takes the number of steps from the input."""
        header = self.text.splitlines()[line - 1]
        if re.search(COUNTS, header):
            return True
        assigned = re.findall(rf"^[ \t]*(\w[\w, ]*) = .*(?:{COUNTS})", self.text, re.MULTILINE)
        names = set(re.findall(r"\w+", " ".join(assigned)))
        return not names.isdisjoint(re.findall(r"\w+", header))


def _loops(kind: ast.ClassDef) -> Iterator[ast.For | ast.While]:
    """Yield the loops in the methods of a class, leaving out those in the constructor."""
    for method in kind.body:
        if isinstance(method, ast.FunctionDef) and method.name != "__init__":
            for node in ast.walk(method):
                if isinstance(node, ast.For | ast.While):
                    yield node
