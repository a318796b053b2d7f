"""Unusual code that no part of the assignment needs and that a person should look at.

A match is only a hint, because code can hide unusual words. The protection comes from the sandbox
and from the judge's separate process.
"""

import ast
from collections.abc import Iterator

from toolkit.assignment.check.submission import Submission
from toolkit.assignment.syntax import parsed

MODULES = {"ctypes", "inspect", "toolkit"}
ATTRIBUTES = {
    *("sys.modules", "sys._getframe", "sys.settrace", "sys.setprofile"),
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
    *("os._exit", "os.kill", "os.killpg", "os.fork", "os.getppid", "os.setsid"),
    *("atexit.register", "signal.signal", "resource.setrlimit"),
}
PLACES = ("/proc/", "/autograder", "toolkit/", "toolkit.assignment")  # in a text
MAX_WORDS = 5  # of one file are named


def unusual(submission: Submission) -> list[str]:
    """Return a sentence for each file that uses something unusual."""
    sentences = []
    for file in submission.files:
        tree = parsed((submission.root / file).read_text(encoding="utf-8", errors="replace"))
        if tree is None:
            continue
        words = list(dict.fromkeys(_unusual_words(tree)))
        if words:
            first = ", ".join(words[:MAX_WORDS])
            sentences.append(
                f"{submission.original(file)} uses {first}: the assignment needs nothing like that."
            )
    return list(dict.fromkeys(sentences))


def _unusual_words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for name in _modules(node):
            if name.partition(".")[0] in MODULES:
                yield name
        for name in _attributes(node):
            if name in ATTRIBUTES:
                yield name
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _places(node.value)
        if _is_exec(node):
            yield "exec"


def _is_exec(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id == "exec"


def _places(text: str) -> list[str]:
    """Return the grader's paths that a text mentions."""
    return [repr(place) for place in PLACES if place in text]


def _modules(node: ast.AST) -> list[str]:
    """Return the modules that a node of the syntax tree imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def _attributes(node: ast.AST) -> list[str]:
    """Return the names, such as os.kill, that a node of the syntax tree reads or imports."""
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [f"{node.value.id}.{node.attr}"]
    return []
