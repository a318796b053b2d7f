"""Where in a student's files something is that shows in what their code did."""

import ast
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from toolkit.assignment.check.gan.trace import Event, Network

SCALING = ("Normalize", "ToTensor", "MNIST", "DataLoader")  # who decides the range of the data

_CUDA = re.compile(r"""=.*['"]cuda|device\(['"]cuda""")
NOISE = ("rand", "normal", "uniform")  # in the names of functions that draw numbers


class Place(NamedTuple):
    """A line of a file."""

    file: str | None
    line: int | None


class Lines:
    """Finds lines in the files of a submission.

    Args:
        texts: the file, relative to the submission, -> its text.
        file: the one with the GAN.
    """

    def __init__(self, texts: Mapping[str, str], file: str) -> None:
        self.file = file
        self.texts = {name: text.lower() for name, text in texts.items()}
        self.trees: dict[str, ast.Module] = {}
        for name in sorted(texts, key=lambda name: name != file):
            try:
                self.trees[name] = ast.parse(texts[name])
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue

    def of_parameter(self, network: Network, name: str) -> Place:
        """The line that makes the layer, or the parameter, with this name in a network."""
        words = [word for word in name.split(".") if not word.isdigit()]
        wanted = {"bias", "weight"}
        attribute = next((word for word in reversed(words) if word not in wanted), None)
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name in network.kinds:
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Assign | ast.AnnAssign):
                            targets = (
                                inner.targets if isinstance(inner, ast.Assign) else [inner.target]
                            )
                            if any(getattr(t, "attr", None) == attribute for t in targets):
                                return Place(file, inner.lineno)
        return Place(network.file, network.line)

    def of_scaling(self) -> Place:
        """The line that decides the range of the data."""
        for word in SCALING:
            if place := self.find(partial(_is_call, word)):
                return place
        return Place(self.file, None)

    def of_raw_data(self) -> Place:
        """The line that reads the pixels of a data set past its transform."""
        raw = ("data", "train_data")
        place = self.find(lambda node: isinstance(node, ast.Attribute) and node.attr in raw)
        return place or self.of_scaling()

    def of_noise(self, call: Event) -> Place:
        """The line that draws random numbers, at or closely before a call."""
        tree = self.trees.get(call.file or "")
        lines = [
            node.lineno
            for node in (ast.walk(tree) if tree else ())
            if any(word in _called(node) for word in NOISE) and isinstance(node, ast.Call)
        ]
        last = call.line or 0
        return Place(
            call.file, max((n for n in lines if last - 12 <= n <= last), default=call.line)
        )

    def of_device(self, otherwise: Place) -> Place:
        """The first statement that names a GPU without asking whether there is one."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if not isinstance(node, ast.Assign | ast.Expr):
                    continue
                text = ast.unparse(node)
                if _CUDA.search(text) and "is_available" not in text:
                    return Place(file, node.lineno)
        return otherwise

    def find(self, fits: Callable[[ast.AST], bool]) -> Place | None:
        """The first line whose node fits, in the GAN's file before all others."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if fits(node) and isinstance(node, ast.expr | ast.stmt):
                    return Place(file, node.lineno)
        return None


def _is_call(name: str, node: ast.AST) -> bool:
    return _called(node) == name


def _called(node: ast.AST) -> str:
    """The name of the function that is called."""
    if not isinstance(node, ast.Call):
        return ""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
