"""What the text of a submission tells about lines in it."""

import ast
from collections.abc import Mapping, Sequence

from toolkit.assignment.check.train.trace import Event
from toolkit.assignment.syntax import parsed


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
        order = [name for name in (*self.reached, *sorted(texts)) if name in texts]
        trees = {name: parsed(texts[name]) for name in order}
        self.trees = {name: tree for name, tree in trees.items() if tree is not None}

    def statement(self, event: Event) -> ast.stmt | None:
        """The smallest statement at the line of an event."""
        tree, line = self.trees.get(event.file or ""), event.line or 0
        around = [
            node
            for node in (ast.walk(tree) if tree else ())
            if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
        ]
        return max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)


def called(node: ast.AST) -> str:
    """The name of the function that is called."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
