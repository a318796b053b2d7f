"""The check of one submission: what can be read, then each part in a process of its own."""

import ast
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from toolkit.assignment.check.channel import Message
from toolkit.assignment.check.findings import Finding, Id, Report
from toolkit.assignment.check.static import forbidden_modules, imported, unwritten
from toolkit.assignment.check.student.lines import line_of_call, parse
from toolkit.assignment.check.supervisor import probe
from toolkit.assignment.parts import FILES, PARTS, Part, find_parts, list_files
from toolkit.common.errors import UsageError

TOOLKIT = __name__.partition(".")[0]
ORDER: tuple[Part, ...] = ("lstm", "gan", "train", "dataset")  # the longest first


def check(
    path: Path,
    progress: Callable[[str], None] = lambda sentence: None,
    parts: Collection[Part] = PARTS,
) -> Report:
    """Check a student's `dataset.py`, `lstm.py`, `train.py` and `my_gan.py`.

    Their code runs in child processes, two at a time, each with a limit of CPU time. A child is not
    a sandbox: run code that you do not trust in one, as `grade` does. Code that sets out to deceive
    the check can do so, since it shares a process with what watches it: a report without findings
    says that none were seen.

    Args:
        path: the folder that has the files, at any depth.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.

    Raises:
        UsageError: `path` is not a folder, or has none of the files.
    """
    root = path.resolve()
    files = _find_files(root)
    findings: list[Finding] = []
    for part in parts:
        if part not in files:
            message = (
                f"There is no {FILES[part]} in this folder. A submission that lacks one of its "
                "files may get 0 points."
            )
            findings.append(_fault("missing-file", part, message))
    seen = {root / name for name in files.values()}
    trees = {
        part: _read(part, root / name, root, seen, findings)
        for part, name in files.items()
        if part in parts
    }
    unfinished: list[Finding] = []
    facts: set[str] = set()
    runnable = {part: files[part] for part in ORDER if trees.get(part) is not None}
    for sent in _run(runnable, root, progress):
        if sent.finding and not _seen_already(sent.finding, findings):
            findings.append(sent.finding)
        if sent.unfinished:
            unfinished.append(sent.unfinished)
        if sent.fact:
            facts.add(sent.fact)
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        findings.append(_softmax_unseen(files.get("train"), trees.get("train")))
    return Report.of(findings, unfinished)


def _find_files(root: Path) -> dict[Part, PurePosixPath]:
    names = ", ".join(FILES.values())
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder. Give the folder that contains {names}.")
    files = find_parts(list_files(root))
    if not files:
        raise UsageError(f"{root} contains none of {names}. Give the folder that has them.")
    return files


def _run(
    files: dict[Part, PurePosixPath], root: Path, progress: Callable[[str], None]
) -> list[Message]:
    """What the children say that check these parts, two of them at a time."""
    stop = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        try:
            jobs = [
                pool.submit(probe, part, root, str(name), progress, stop)
                for part, name in files.items()
            ]
            return [message for job in jobs for message in job.result()]
        finally:
            stop.set()  # for whoever presses Ctrl-C
            pool.shutdown(cancel_futures=True)


def _fault(
    id: Id,
    part: Part,
    message: str,
    *,
    equation: int | None = None,
    file: str | None = None,
    line: int | None = None,
) -> Finding:
    return Finding(
        verdict="wrong",
        part=part,
        id=id,
        equation=equation,
        file=file,
        line=line,
        message=message,
    )


def _seen_already(finding: Finding, findings: list[Finding]) -> bool:
    """Whether a forbidden module was seen in the file already, which has the better line."""
    return finding.id == "forbidden-module" and any(
        known.id == finding.id and known.part == finding.part for known in findings
    )


def _read(
    part: Part, file: Path, root: Path, seen: set[Path], findings: list[Finding]
) -> ast.Module | None:
    """Parse one file and those beside it that it imports, and report what shows already.

    Args:
        seen: files that are not to be read again; more are added.
        findings: what shows is added.

    Returns:
        the file's tree, None if it is not Python.
    """
    trees: dict[Path, ast.Module] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(root).as_posix()
        try:
            tree = trees[path] = parse(path)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            text = getattr(error, "msg", str(error))  # without the line, which is beside it
            message = f"Python cannot import this file: {type(error).__name__}: {text}."
            findings.append(_fault("does-not-import", part, message, file=name, line=line))
            continue
        findings += _look_at(tree, part, name)
        for _, module in imported(tree):
            beside = file.parent / f"{module.replace('.', '/')}.py"
            if beside not in seen and beside.is_file() and beside.resolve().is_relative_to(root):
                seen.add(beside)
                waiting.append(beside)
    return trees.get(file)


def _look_at(tree: ast.Module, part: Part, name: str) -> list[Finding]:
    """What shows in a file without running it."""
    found = []
    for line, text in unwritten(tree):
        message = f"This is still to be written: {text}."
        found.append(_fault("not-written", part, message, file=name, line=line))
    for line, module in imported(tree):
        if module.partition(".")[0] == TOOLKIT:
            message = (
                f"{module} belongs to the toolkit, which contains the solution. What you hand in "
                "must work without it: write this part yourself."
            )
            found.append(_fault("forbidden-module", part, message, file=name, line=line))
    for line, module in forbidden_modules(tree) if part == "lstm" else ():
        message = (
            f"{module} is not allowed. Write equations (1) to (6) yourself, with your own "
            "parameters and a for loop over time."
        )
        found.append(_fault("forbidden-module", part, message, file=name, line=line))
    return found


def _softmax_unseen(name: PurePosixPath | None, tree: ast.Module | None) -> Finding:
    """The model gives probabilities and no loss was seen: judge by what train.py calls."""
    line = None if tree is None else line_of_call(tree, "crossentropy", "cross_entropy")
    if line is None:
        message = (
            "The model returns probabilities, and the loss was not seen. Make sure that the loss "
            "takes their logarithm, and no second softmax."
        )
        return Finding(verdict="not seen", part="lstm", message=message)
    message = (
        "cross_entropy applies the softmax (8) itself, and the model has applied it already, so "
        "the loss cannot fall below 1.46115. Which of the two is one too many?"
    )
    return _fault("softmax-before-loss", "train", message, equation=8, file=str(name), line=line)
