"""What the text of a submission tells about lines in it."""

import ast
import re
from collections.abc import Mapping, Sequence

from toolkit.assignment.check.train.trace import Event
from toolkit.assignment.check.verdicts import Place, Placed


class Lines:
    """Finds lines in the files of a submission.

    Args:
        texts: the file, relative to the submission, -> its text.
        file: the one with the GAN.
        reached: it, and what it imports.
    """

    def __init__(self, texts: Mapping[str, str], file: str, reached: Sequence[str] = ()) -> None:
        self.file = file
        self.reached = tuple(dict.fromkeys((file, *reached)))
        self.texts = {name: text.lower() for name, text in texts.items()}
        self.trees: dict[str, ast.Module] = {}
        order = {name: k for k, name in enumerate(self.reached)}
        for name in sorted(texts, key=lambda name: order.get(name, len(order))):
            try:
                self.trees[name] = ast.parse(texts[name])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue

    def statement(self, event: Event) -> ast.stmt | None:
        """The smallest statement at the line of an event."""
        return max(
            self._around(event),
            key=lambda node: (node.lineno, -(node.end_lineno or 0)),
            default=None,
        )

    def of_word(self, place: Placed, pattern: re.Pattern[str]) -> Placed:
        """The line that fits in the function at, or around, a place: the last one before it."""
        line = place.line or 0
        functions = [node for node in self._around(place) if isinstance(node, ast.FunctionDef)]
        text = self.texts.get(place.file or "", "").splitlines()
        first, last = max(1, line - 15), line
        if functions:
            first, last = functions[-1].lineno + 1, functions[-1].end_lineno or line
        fitting = [
            number
            for number in range(first, min(last, len(text)) + 1)
            if pattern.search(text[number - 1])
        ]
        before = [number for number in fitting if number <= line]
        return Place(place.file, before[-1] if before else fitting[0]) if fitting else place

    def _around(self, place: Placed) -> list[ast.stmt]:
        tree, line = self.trees.get(place.file or ""), place.line or 0
        return [
            node
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
        ]


def called(node: ast.AST) -> str:
    """The name of the function that is called."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
