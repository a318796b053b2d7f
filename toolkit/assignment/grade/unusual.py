"""A search for code that the assignment does not need and that a person should look at.

The search is only a rough guide, because harmful code can be written so that it avoids the names
and paths that the search looks for. Protection from harmful code comes from the sandbox, and from
judging each submission in a separate process.
"""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from toolkit.assignment.handin.evidence import is_code, is_compiled
from toolkit.assignment.handin.notebooks import SUFFIX
from toolkit.assignment.handin.submission import Submission
from toolkit.assignment.handin.syntax import UNREADABLE, deep_tree_of

MODULES = {"ctypes", "inspect", "toolkit"}
ATTRIBUTES = {
    *("sys.modules", "sys._getframe", "sys.settrace", "sys.setprofile"),
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
    *("os._exit", "os.kill", "os.killpg", "os.fork", "os.getppid", "os.setsid"),
    *("atexit.register", "signal.signal", "resource.setrlimit"),
}
PLACES = ("/etc/", "/proc/", "/autograder", "toolkit/", "toolkit.assignment")  # paths in a text
MAX_WORDS = 5  # words of one file that are named
MAX_WORD = 60  # characters of a word that are shown
MAX_NAMED = 10  # sentences about one submission


def unusual(submission: Submission) -> list[str]:
    """Return a sentence for each file that is compiled or contains unusual code.

    Every source file that Python could import is parsed as an import would parse it: the encoding
    is the same, and deeply nested expressions are accepted. Files that Python cannot read are
    skipped, because these files cannot run.
    """
    sentences = []
    for file in _modules_of(submission):
        if is_compiled(PurePosixPath(file)):
            sentences.append(f"{file} is compiled code, which nobody can read.")
            continue
        try:
            tree = deep_tree_of((submission.root / file).read_bytes())
        except UNREADABLE:
            continue
        words = list(dict.fromkeys(_unusual_words(tree)))
        if words:
            first = ", ".join(word[:MAX_WORD] for word in words[:MAX_WORDS])
            sentences.append(
                f"{submission.original(file)} uses {first}: the assignment needs nothing like that."
            )
    sentences = list(dict.fromkeys(sentences))
    more = len(sentences) - MAX_NAMED
    if more > 0:
        sentences[MAX_NAMED:] = [f"And {more:,} more files are like these."]
    return sentences


def _modules_of(submission: Submission) -> list[str]:
    """Return the files that Python could import, beginning with the files that the check reads."""
    others = []
    for file in sorted(submission.existing):
        path = PurePosixPath(file)
        is_module = is_compiled(path) or (is_code(path) and path.suffix.lower() != SUFFIX)
        if is_module and (submission.root / file).is_file():
            others.append(file)
    return list(dict.fromkeys([*submission.files, *others]))


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
    """Return those paths in `PLACES`, such as /proc/, that occur in a text, each enclosed in
    quotation marks.
    """
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
