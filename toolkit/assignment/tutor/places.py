"""Examines a student's code for an exercise, in a notebook cell or in the student's files.

A function in a cell is called in the notebook's process. A file runs in a child process whose time
and memory are limited, as in `toolkit check`. If the file contains the exercise's function, this
function is called. The tutor works differently if the function is missing, if the call fails, or if
the exercise asks for a class. The tutor then checks the whole part of the assignment that contains
the exercise, as `toolkit check` does. In the results of this check, the tutor looks for findings
about the exercise.
"""

import ast
import atexit
import importlib.util
import linecache
from itertools import chain
from pathlib import Path
from typing import Any

from toolkit.assignment.asking.host import Gone, Host, StudentError
from toolkit.assignment.findings.findings import QUESTIONS, Finding, Report
from toolkit.assignment.findings.verdicts import STOPS
from toolkit.assignment.handin.submission import Submission, prepare
from toolkit.assignment.handin.syntax import parsed, unwritten
from toolkit.assignment.running.parts import Part
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.assignment.tutor.answer import Answer, Sentence, examine
from toolkit.assignment.tutor.exercises import Exercise, find_exercise
from toolkit.common.errors import UsageError, in_short
from toolkit.common.files import sha256

DRIVER, RESULT = "tutor_example.py", "tutor_answer.json"
NO_FILE = Answer(verdict="not written", sentences=[("no file", {})])
REPORTS: dict[tuple[object, ...], Report] = {}
WARM = Host()  # one process for all checks of a notebook
atexit.register(WARM.close)


def look(exercise: Exercise, function: Any | None, folder: Path, host: Host | None) -> Answer:
    """Examine a notebook cell's function or the student's files, and return the tutor's answer.

    The student's files are examined only if `function` is None, or if calling it still raises
    NotImplementedError.
    """
    answer = NO_FILE if function is None else examine(exercise, function)
    if answer.verdict != "not written":
        return answer
    with scratch_directory("tutor") as scratch:
        try:
            submission = prepare(folder, scratch)
        except UsageError:  # none of the files is there
            return answer
        if exercise.part in submission.parts:
            return _in_file(exercise, submission, host or WARM)
    return answer


def _in_file(exercise: Exercise, submission: Submission, host: Host) -> Answer:
    source = (submission.root / submission.parts[exercise.part].file).read_bytes()
    written = _is_written(exercise, source.decode(errors="replace"))
    if written is False:
        return Answer(verdict="not written")
    called = None
    # A class with other parameters may also be right, so the judge looks at a class first.
    if written and exercise.stub.startswith("def"):
        called = _called(exercise, submission, host)
        if called.numbers or called.verdict == "not written":
            return called
    judged = _judged(exercise, _report(exercise.part, submission, host), submission)
    if judged.verdict in ("right", "wrong") or not written:
        return judged
    return called or _called(exercise, submission, host)


def _is_written(exercise: Exercise, source: str) -> bool | None:
    """Return True if an exercise's function is written, False if it is still to be written, and
    None if no such function is found in the source.
    """
    tree = parsed(source)
    if tree is None:
        return None
    (stub,) = ast.parse(exercise.stub).body
    to_write = set()
    for _, name in unwritten(tree, source):
        to_write |= {name, name.partition(".")[0]}
    if exercise.function in to_write:
        return False
    for node in tree.body:
        if type(node) is type(stub) and getattr(node, "name", "") == exercise.function:
            # A function with the skeleton's parameters has the skeleton's contract.
            by_name = exercise.where == exercise.function
            return True if _same_parameters(node, stub, by_name) else None
    places = (exercise.where, f"{exercise.where}.__init__", f"{exercise.where}.__getitem__")
    return None if to_write.isdisjoint(places) else False


def _same_parameters(node: ast.stmt, stub: ast.stmt, by_name: bool) -> bool:
    """Return True if two statements are functions with the same parameters, or if they are classes,
    whose parameters are not compared.

    If `by_name` is False, only the number of parameters is compared.
    """
    if not isinstance(node, ast.FunctionDef) or not isinstance(stub, ast.FunctionDef):
        return True
    names, wanted = _parameters(node), _parameters(stub)
    return names == wanted if by_name else len(names) == len(wanted)


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [parameter.arg for parameter in function.args.args]


def _called(exercise: Exercise, submission: Submission, host: Host) -> Answer:
    """Call the exercise's function in a child process, and return the tutor's answer."""
    file = Path(submission.parts[exercise.part].file)
    driver = submission.root / file.parent / DRIVER
    driver.write_text(
        "from toolkit.assignment.tutor.places import run_example\n"
        f"run_example({exercise.name!r}, {file.name!r})\n",
        encoding="utf-8",
    )
    name = driver.relative_to(submission.root).as_posix()
    try:
        with host.child("train", str(submission.root)) as child:
            error = child.ask.plainly(file=name, existing=[*submission.existing, name])
            if error is None:
                return Answer.model_validate_json(driver.with_name(RESULT).read_bytes())
    except (Gone, StudentError, OSError, ValueError):
        return Answer(verdict="not seen", sentences=[("too long", {})])
    message = in_short(f"{error['types'][0]}: {error['text']}", 300)
    place = _line(exercise, submission, error["file"], error["line"])
    return Answer(verdict="wrong", sentences=[("stopped", {"error": message}), *place])


def run_example(name: str, file: str) -> None:
    """Examine the student's function in the child process, and write the answer to a file."""
    exercise = find_exercise(name)
    spec = importlib.util.spec_from_file_location(Path(file).stem, Path(file).resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answer = examine(exercise, getattr(module, exercise.function))
    Path(RESULT).write_text(answer.model_dump_json(), encoding="utf-8")


def _report(part: Part, submission: Submission, host: Host) -> Report:
    """Return the check's report on one part of the assignment; if there is already a report on the
    same files, it is reused.
    """
    from toolkit.assignment.judging.parent import import_judges, judge  # here: it takes a second

    files = [(submission.root / file).read_bytes() for file in submission.files]
    key = (part, submission.files, sha256(b"".join(files)))
    if key not in REPORTS:
        import_judges()
        REPORTS[key] = judge(submission, host, str(submission.root), parts=[part])
    return REPORTS[key]


def _judged(exercise: Exercise, report: Report, submission: Submission) -> Answer:
    """Turn a report by `toolkit check` on one part of the assignment into the tutor's answer about
    an exercise in this part.
    """
    for finding in report.findings:
        ids = {str(finding.id), f"{finding.id} {finding.equation}"}
        if not ids.isdisjoint(exercise.ids):
            return Answer(
                verdict="wrong",
                numbers=True,
                id=str(finding.id),
                sentences=_sentences("judged", exercise, finding, submission),
                mistake=_mistake_with(ids, exercise),
            )
    if any(finding.id == "not-written" for finding in report.findings):
        return Answer(verdict="not written")
    unseen = _unseen(exercise, report)
    if not unseen and _is_answered(exercise, report):
        return Answer(verdict="right")
    obstacles = [*unseen, *report.findings]
    obstacles += [finding for finding in report.not_seen if finding.id is None]
    if not obstacles:
        return Answer(verdict="not seen", sentences=[("not looked at", {})])
    # A fault of another exercise was found by comparing numbers, so hints can be given.
    compared = obstacles[0].verdict == "wrong" and obstacles[0].id not in STOPS
    return Answer(
        verdict="not seen",
        numbers=compared,
        sentences=_sentences("in the way", exercise, obstacles[0], submission),
    )


def _sentences(
    key: str, exercise: Exercise, finding: Finding, submission: Submission
) -> list[Sentence]:
    """Return sentences that state the message of a finding and, if the finding concerns a known
    line in one of the student's Python files, also quote that line.
    """
    place = _line(exercise, submission, finding.file, finding.line)
    return [(key, {"message": finding.message}), *place]


def _ids(exercise: Exercise) -> set[str]:
    """Return the ids of the findings that concern an exercise, without the equation numbers that
    may follow them.
    """
    return {id.split()[0] for id in exercise.ids}


def _unseen(exercise: Exercise, report: Report) -> list[Finding]:
    """Return the report's `not_seen` findings that concern the exercise: possible faults that the
    check could not test for.
    """
    ids = _ids(exercise)
    return [finding for finding in report.not_seen if finding.id in ids]


def _is_answered(exercise: Exercise, report: Report) -> bool:
    """Return True if the check has ruled out every fault that belongs to the exercise."""
    if exercise.claim:
        return any(right.proof and right.proof.claim == exercise.claim for right in report.right)
    answered = set(chain.from_iterable(right.answers for right in report.right))
    ids = _ids(exercise)
    for question in QUESTIONS[exercise.part]:
        if not ids.isdisjoint(question) and answered.isdisjoint(question):
            return False
    return True


def _mistake_with(ids: set[str], exercise: Exercise) -> str:
    """Return the key of the exercise's first mistake whose id is in `ids` and that can be
    recognised by this id alone, or "" if there is none.
    """
    for key, mistake in exercise.mistakes.items():
        if mistake.get("id") in ids and mistake.get("by") == "id":
            return key
    return ""


def _line(
    exercise: Exercise, submission: Submission, file: str | None, line: int | None
) -> list[Sentence]:
    """Return a list with a sentence that quotes a line of a student's Python file, or [] if there
    is no such line.

    The sentence also names the file unless it is the student's main file for this part of the
    assignment.
    """
    if file is None or line is None or file not in {*submission.files} - {*submission.notebooks}:
        return []
    text = linecache.getline(str(submission.root / file), line).strip()
    if file != submission.parts[exercise.part].file:
        return [("line of file", {"file": file, "line": str(line), "text": text})]
    return [("line", {"line": str(line), "text": text})]
