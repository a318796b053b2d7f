"""What no part of the assignment has a use for: a person looks what it is there for.

This is a hint and no barrier: whoever wants to hide such words can. What keeps a submission from
points that its code does not earn is that the judge is another process, and the sandbox.
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
    """A sentence for each file that uses something unusual."""
    sentences = []
    for file in submission.files:
        tree = parsed((submission.root / file).read_text(encoding="utf-8", errors="replace"))
        words = list(dict.fromkeys(_words(tree))) if tree is not None else []
        if words:
            named = ", ".join(words[:MAX_WORDS])
            sentences.append(
                f"{submission.original(file)} uses {named}: the assignment needs nothing like that."
            )
    return list(dict.fromkeys(sentences))


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in MODULES:
                yield node.module
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in names if name in ATTRIBUTES)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (name := f"{node.value.id}.{node.attr}") in ATTRIBUTES:
                yield name
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "exec":
                yield "exec"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (repr(place) for place in PLACES if place in node.value)
