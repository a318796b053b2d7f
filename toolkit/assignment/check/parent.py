"""The check of one submission: what can be read, then each part in a process of its own."""

import ast
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toolkit.assignment.check.findings import FILES, PARTS, Finding, Part, Report
from toolkit.assignment.check.static import forbidden_modules, imported, unwritten
from toolkit.assignment.check.student.lines import line_of_call, parse
from toolkit.assignment.check.student.submission import find_files
from toolkit.assignment.check.supervisor import Message, probe

TOOLKIT = __name__.partition(".")[0]
ORDER: tuple[Part, ...] = ("lstm", "gan", "train", "dataset")  # the longest first


def check(
    path: Path,
    progress: Callable[[str], None] = lambda sentence: None,
    parts: Collection[Part] = PARTS,
) -> Report:
    """Check a student's `dataset.py`, `lstm.py`, `train.py` and `my_gan.py`.

    Their code runs in child processes with a limit of CPU time each, two at a time. They are no
    sandbox: run what you do not trust in one, as `grade` does. Nor can code that sets out to
    deceive the check be kept from it, since it shares a process with what looks at it: a result
    without findings says that none were seen.

    Args:
        path: the folder that has the files, at any depth.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.

    Raises:
        UsageError: `path` is no folder, or has none of the files.
    """
    root = path.resolve()
    files = find_files(root)
    report = Report()
    facts: set[str] = set()
    for part in parts:
        if part not in files:
            message = f"{FILES[part]} is missing. A submission that lacks a file may get 0 points."
            report.add(Finding("missing-file", part, None, None, None, message))
    seen = set(files.values())
    trees = {
        part: _read(part, file, root, seen, report) for part, file in files.items() if part in parts
    }
    stop = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        try:
            jobs = {
                part: pool.submit(
                    probe, part, root, str(files[part].relative_to(root)), progress, stop
                )
                for part in ORDER
                if trees.get(part) is not None
            }
            for part, job in jobs.items():
                for sent in job.result():
                    _take(sent, part, report, facts)
        finally:
            stop.set()  # for whoever presses Ctrl-C
            pool.shutdown(cancel_futures=True)
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        _softmax_unseen(files.get("train", root), trees.get("train"), root, report)
    report.findings.sort(key=lambda f: (PARTS.index(f.part), f.file or "", f.line or 0))
    return report


def _read(part: Part, file: Path, root: Path, seen: set[Path], report: Report) -> ast.Module | None:
    """Parse one file and those beside it that it imports, and report what shows already.

    Args:
        seen: files that are not to be read again; more are added.

    Returns:
        the file's tree, None if it is no Python.
    """
    trees: dict[Path, ast.Module] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        name = str(path.relative_to(root))
        try:
            tree = trees[path] = parse(path)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            text = getattr(error, "msg", str(error))  # without the line, which is beside it
            message = f"It cannot be imported: {type(error).__name__}: {text}."
            report.add(Finding("does-not-import", part, None, name, line, message))
            continue
        _look_at(tree, part, name, report)
        for _, module in imported(tree):
            beside = file.parent / f"{module.replace('.', '/')}.py"
            if beside not in seen and beside.is_file() and beside.resolve().is_relative_to(root):
                seen.add(beside)
                waiting.append(beside)
    return trees.get(file)


def _look_at(tree: ast.Module, part: Part, name: str, report: Report) -> None:
    """Report what shows in a file without running it."""
    for line, text in unwritten(tree):
        message = f"This is still to be written ({text})."
        report.add(Finding("not-written", part, None, name, line, message))
    for line, module in imported(tree):
        if module.partition(".")[0] == TOOLKIT:
            message = (
                f"{module} is not yours: what you hand in works without the toolkit, which has the "
                "solution in it. Write this part yourself."
            )
            report.add(Finding("forbidden-module", part, None, name, line, message))
    for line, module in forbidden_modules(tree) if part == "lstm" else ():
        message = (
            f"{module} is not allowed: the point is to write equations (1) to (6) yourself, with "
            "parameters of your own and a for loop over time."
        )
        report.add(Finding("forbidden-module", part, None, name, line, message))


def _softmax_unseen(file: Path, tree: ast.Module | None, root: Path, report: Report) -> None:
    """The model gives probabilities and no loss was seen: judge by what train.py calls."""
    line = None if tree is None else line_of_call(tree, "crossentropy", "cross_entropy")
    if line is None:
        report.notes.append(
            ("lstm", "The model returns probabilities; see to it that the loss takes their log.")
        )
        return
    message = (
        "cross_entropy applies the softmax (8) itself, and the model has applied one already: "
        "the loss cannot fall below 1.46115. Which of the two is one too many?"
    )
    name = str(file.relative_to(root))
    report.add(Finding("softmax-before-loss", "train", 8, name, line, message))


def _take(message: Message, part: Part, report: Report, facts: set[str]) -> None:
    if "id" in message:
        if message["id"] == "forbidden-module" and any(
            finding.id == "forbidden-module" and finding.part == part for finding in report.findings
        ):
            return  # seen in the file already, with the better line
        fields = (message[key] for key in ("equation", "file", "line", "message"))
        report.add(Finding(message["id"], part, *fields))
    elif "right" in message:
        report.right.append((part, message["right"]))
    elif "note" in message:
        report.notes.append((part, message["note"]))
    elif "unfinished" in message:
        report.unfinished.append((part, message["unfinished"]))
    elif "fact" in message:
        facts.add(message["fact"])
