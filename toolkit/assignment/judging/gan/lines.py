"""Finds the statement in a submission's source code at which a recorded event happened."""

import ast
from collections.abc import Mapping, Sequence

from toolkit.assignment.handin.syntax import parsed
from toolkit.assignment.judging.train.trace import Event


class Lines:
    """Holds the texts and the syntax trees of a submission's files, and finds the statement at
    which a recorded event happened.

    Args:
        texts: the text of each file, by the file's path in the submission.
        file: the file with the GAN.
        reached: the file with the GAN, the files that it imports, and the scripts that import it.
    """

    def __init__(self, texts: Mapping[str, str], file: str, reached: Sequence[str] = ()) -> None:
        self.file = file
        self.reached = tuple(dict.fromkeys((file, *reached)))
        self.texts = {name: text.lower() for name, text in texts.items()}
        self.trees: dict[str, ast.Module] = {}  # of the files with valid syntax
        for name in dict.fromkeys((*self.reached, *sorted(texts))):
            tree = parsed(texts[name]) if name in texts else None
            if tree is not None:
                self.trees[name] = tree

    def statement(self, event: Event) -> ast.stmt | None:
        """Return the smallest statement that contains the line at which a recorded event
        happened.
        """
        tree = self.trees.get(event.file or "")
        if tree is None:
            return None
        line = event.line or 0
        smallest: ast.stmt | None = None
        for node in ast.walk(tree):
            if not isinstance(node, ast.stmt):
                continue
            is_around = node.lineno <= line <= (node.end_lineno or 0)
            if is_around and (smallest is None or _extent(node) > _extent(smallest)):
                smallest = node
        return smallest


def _extent(node: ast.stmt) -> tuple[int, int]:
    """Return a sort key for statements that contain the same line: the smaller the statement, the
    larger its key.
    """
    return node.lineno, -(node.end_lineno or 0)


def called(node: ast.AST) -> str:
    """Return the name of the function that a node calls; "" if the node is not a call."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
