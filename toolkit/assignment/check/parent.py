"""The check of one submission: what can be read, then each part in a process of its own."""

import ast
import importlib
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from toolkit.assignment.check.findings import Finding, Id, Report
from toolkit.assignment.check.host import Gone, Host, StudentError, plain_host
from toolkit.assignment.check.packages import excused
from toolkit.assignment.check.source import line_of_call, parse
from toolkit.assignment.check.static import forbidden_modules, imported, unwritten
from toolkit.assignment.check.submission import Located, Submission, prepare
from toolkit.assignment.check.verdicts import Verdicts
from toolkit.assignment.parts import FILES, PARTS, Part

TOOLKIT = __name__.partition(".")[0]
JUDGES: dict[Part, str] = {
    "dataset": "toolkit.assignment.check.dataset",
    "lstm": "toolkit.assignment.check.lstm.checks",
    "train": "toolkit.assignment.check.train.checks",
    "gan": "toolkit.assignment.check.gan.checks",
}
Progress = Callable[[str], None]


def check(
    path: Path,
    progress: Progress = lambda sentence: None,
    parts: Collection[Part] = PARTS,
) -> Report:
    """Check a student's folder: the data set, the LSTM, its training, and the GAN.

    A copy of their code runs in processes of its own, each with a limit of CPU time, and none of
    them knows what it should answer. They are not a sandbox: run code that you do not trust in one,
    as `grade` does.

    Args:
        path: the folder that has the files, at any depth.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.

    Raises:
        UsageError: `path` is not a folder, or has none of the files.
    """
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        submission = prepare(path.resolve(), Path(scratch).resolve())
        with plain_host() as host:
            return judge(submission, host, str(submission.root), progress, parts)


def judge(
    submission: Submission,
    host: Host,
    root: str,
    progress: Progress = lambda sentence: None,
    parts: Collection[Part] = PARTS,
    packages: Collection[str] = (),
) -> Report:
    """Judge a submission whose code runs in `host`.

    Args:
        submission: what the judge reads.
        root: where the child has its copy.
        progress: called with a sentence when a new piece of work begins.
        parts: what to check.
        packages: what the course allows besides the usual; where one is missing, nobody is at
            fault.
    """
    no_fault = excused(submission.parts, packages)
    findings: list[Finding] = []
    facts: set[str] = set()
    for part in parts:
        if part not in submission.parts:
            message = (
                f"There is no {FILES[part]} in this folder. A submission that lacks one of its "
                "files may get 0 points."
            )
            findings.append(_fault("missing-file", part, message))
    seen = {submission.root / located.file for located in submission.parts.values()}
    trees = {}
    for part in PARTS:
        located = submission.parts.get(part)
        if located is None or part not in parts:
            continue
        found: list[Finding] = []
        tree = _read(part, submission.root / located.file, submission.root, seen, found)
        trees[part] = tree
        if tree is not None:
            verdicts = Verdicts(part, located.file, progress, no_fault)
            judge_part(host, root, located, verdicts)
            facts |= verdicts.facts
            found += [f for f in verdicts.findings if not _seen_already(f, found)]
        findings += found
    if "gives-probabilities" in facts and "saw-loss" not in facts:
        train = submission.parts.get("train")
        findings.append(_softmax_unseen(train and train.file, trees.get("train")))
    return Report.of(findings, {part: where.file for part, where in submission.parts.items()})


def judge_part(host: Host, root: str, located: Located, verdicts: Verdicts) -> None:
    """Judge one part; whatever happens to it, the others keep theirs."""
    try:
        judge = importlib.import_module(JUDGES[verdicts.part])
        with host.student(verdicts.part, root) as student:
            judge.check(student, located, verdicts)
    except Gone as gone:
        verdicts.gone(gone)
    except StudentError as error:
        verdicts.error(error)
    except Exception as error:  # a fault of the judge's own must not cost anybody a point
        verdicts.not_seen(
            f"The check itself failed during this: {verdicts.work} ({type(error).__name__}: "
            f"{error}). This is not a verdict on your code."
        )


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


def _softmax_unseen(name: str | None, tree: ast.Module | None) -> Finding:
    """The model gives probabilities and no loss was seen: judge by what train.py calls."""
    line = None if tree is None else line_of_call(tree, "crossentropy", "cross_entropy")
    if line is None:
        message = (
            "The model returns probabilities, and the loss was not seen. Make sure that the loss "
            "takes their logarithm, and no second softmax."
        )
        return Finding(
            verdict="not seen", part="lstm", id="softmax-before-loss", message=message
        )
    message = (
        "cross_entropy applies the softmax (8) itself, and the model has applied it already, so "
        "the loss cannot fall below 1.46115. Which of the two is one too many?"
    )
    return _fault("softmax-before-loss", "train", message, equation=8, file=name, line=line)
