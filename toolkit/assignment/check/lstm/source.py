"""What only the text of a student's file tells: the loops around a line."""

import ast
import re
from collections.abc import Iterator

from toolkit.assignment.check.findings import Placed
from toolkit.assignment.syntax import parsed

COUNTS = r"\.size\(|\.shape|len\("  # asks its input how long it is


class Source:
    """The text of a student's file, and the class in it that is judged.

    Args:
        text: of the file.
        kind: the name of the class.
    """

    def __init__(self, text: str, kind: str) -> None:
        self.text = text
        nodes = ast.walk(parsed(text) or ast.Module([], []))
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        classes.sort(key=lambda one: one.name != kind)
        self._loops = [loop for one in classes for loop in _loops(one)]  # those of the judged first

    def loop_line(self, line: int | None = None) -> int | None:
        """The loop over time: the outermost one around a line, else the first in a forward."""
        around = [n for n in self._loops if line and n.lineno <= line <= (n.end_lineno or 0)]
        return min((node.lineno for node in around or self._loops), default=None)

    def line_of_length(self, failed: Placed | None) -> int | None:
        """Where a fixed length would be mended: the loop around what failed, unless it counts the
        steps of its input."""
        line = failed.line if failed else None
        loop = self.loop_line(line)
        header = self.text.splitlines()[loop - 1] if loop else ""
        counted = re.findall(rf"^[ \t]*(\w[\w, ]*) = .*(?:{COUNTS})", self.text, re.MULTILINE)
        names = set(re.findall(r"\w+", " ".join(counted)))
        counts = re.search(COUNTS, header) or names & set(re.findall(r"\w+", header))
        return line if counts and line else loop or line


def _loops(kind: ast.ClassDef) -> Iterator[ast.For | ast.While]:
    """Those of its methods, but for the constructor."""
    for method in kind.body:
        if isinstance(method, ast.FunctionDef) and method.name != "__init__":
            yield from (n for n in ast.walk(method) if isinstance(n, ast.For | ast.While))
