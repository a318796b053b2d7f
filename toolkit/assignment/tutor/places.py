"""Where the code of an exercise is: in a cell, as a function of a file, or in a file of any style.

A cell's function is called where it is. A file runs in the check's child process, with its limits:
the exercise's own function if the file has it; else, or if it cannot be called like that, the
check's judge of that part, of which only the findings count that belong to the exercise.
"""

import ast
import atexit
import importlib.util
import linecache
from pathlib import Path
from typing import Any

from toolkit.assignment.check.findings import Finding, Report
from toolkit.assignment.check.host import Gone, Host, StudentError
from toolkit.assignment.check.submission import Submission, prepare
from toolkit.assignment.parts import Part
from toolkit.assignment.syntax import parsed, unwritten
from toolkit.assignment.tutor.answer import Answer, Sentence, examine
from toolkit.assignment.tutor.exercises import Exercise, find_exercise
from toolkit.common.errors import UsageError
from toolkit.common.files import sha256
from toolkit.common.scratch.directory import scratch_directory

DRIVER, RESULT = "tutor_example.py", "tutor_answer.json"
NO_FILE = Answer(verdict="not written", said=[("no file", {})])
REPORTS: dict[tuple[object, ...], Report] = {}
WARM = Host()  # one process for all checks of a notebook, from the first one on
atexit.register(WARM.close)


def look(exercise: Exercise, function: Any | None, folder: Path, host: Host | None) -> Answer:
    """The answer about a cell's function; where that is not written, about the files."""
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
    # A class may be made in other ways, and be right: the judge sees to that first.
    is_function = written and exercise.stub.startswith("def")
    called = _called(exercise, submission, host) if is_function else None
    if called and (called.numbers or called.verdict == "not written"):
        return called
    judged = _judged(exercise, _report(exercise.part, submission, host), submission)
    if judged.verdict in ("right", "wrong") or not written:
        return judged
    return called or _called(exercise, submission, host)


def _is_written(exercise: Exercise, source: str) -> bool | None:
    """Whether what the exercise asks for is written; None if the file has it in another form."""
    tree = parsed(source)
    if tree is None:
        return None
    (wanted,) = ast.parse(exercise.stub).body
    to_write = {name for _, name in unwritten(tree, source)}
    if any(exercise.function in (name, name.partition(".")[0]) for name in to_write):
        return False
    for node in tree.body:
        if type(node) is type(wanted) and getattr(node, "name", "") == exercise.function:
            functions = [f for f in (node, wanted) if isinstance(f, ast.FunctionDef)]
            names = [tuple(one.arg for one in f.args.args) for f in functions]
            # With the skeleton's parameters it has the skeleton's contract.
            alike = {*names} if exercise.where == exercise.function else {*map(len, names)}
            return True if len(alike) < 2 else None
    places = (exercise.where, f"{exercise.where}.__init__", f"{exercise.where}.__getitem__")
    return None if to_write.isdisjoint(places) else False


def _called(exercise: Exercise, submission: Submission, host: Host) -> Answer:
    """The exercise's own function, in the child."""
    file = Path(submission.parts[exercise.part].file)
    driver = submission.root / file.parent / DRIVER
    driver.write_text(
        "from toolkit.assignment.tutor.places import run_example\n"
        f"run_example({exercise.name!r}, {file.name!r})\n",
        encoding="utf-8",
    )
    name = driver.relative_to(submission.root).as_posix()
    try:
        with host.student("train", str(submission.root)) as student:
            error = student.ask("plainly", file=name, there=[*submission.there, name])
            if error is None:
                return Answer.model_validate_json(driver.with_name(RESULT).read_bytes())
    except (Gone, StudentError, OSError, ValueError):
        return Answer(verdict="not seen", said=[("too long", {})])
    said = {"error": f"{error['types'][0]}: {error['text']}"[:300]}
    where = _line(submission, error["file"], error["line"])
    return Answer(verdict="wrong", said=[("stopped", said), *where])


def run_example(name: str, file: str) -> None:
    """In the child: import the student's file, and write the answer beside it."""
    exercise = find_exercise(name)
    spec = importlib.util.spec_from_file_location(Path(file).stem, Path(file).resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answer = examine(exercise, getattr(module, exercise.function))
    Path(RESULT).write_text(answer.model_dump_json(), encoding="utf-8")


def _report(part: Part, submission: Submission, host: Host) -> Report:
    """What the check says about a part; the same files are judged once."""
    from toolkit.assignment.check.parent import import_judges, judge  # here: it takes a second

    files = [(submission.root / file).read_bytes() for file in submission.files]
    key = (part, submission.files, sha256(b"".join(files)))
    if key not in REPORTS:
        import_judges()
        REPORTS[key] = judge(submission, host, str(submission.root), parts=[part])
    return REPORTS[key]


def _judged(exercise: Exercise, report: Report, submission: Submission) -> Answer:
    """What the check of the part says about an exercise."""

    def said(key: str, finding: Finding) -> list[Sentence]:
        where = _line(submission, finding.file, finding.line)
        return [(key, {"message": finding.message}), *where]

    for finding in report.findings:
        id, one = str(finding.id), f"{finding.id} {finding.equation}"
        if {id, one} & {*exercise.ids}:
            own = next((key for key, m in exercise.mistakes.items() if m.get("id") == one), "")
            judged = said("judged", finding)
            return Answer(verdict="wrong", numbers=True, id=id, said=judged, mistake=own)
    if any(finding.id == "not-written" for finding in report.findings):
        return Answer(verdict="not written")
    ids = {None, *(id.split()[0] for id in exercise.ids)}
    for finding in (*report.findings, *(f for f in report.not_seen if f.id in ids)):
        return Answer(verdict="not seen", said=said("in the way", finding))
    return Answer(verdict="right")


def _line(submission: Submission, file: str | None, line: int | None) -> list[Sentence]:
    """A line of a student's own Python file, if it is known."""
    if file is None or line is None or file not in {*submission.files} - {*submission.notebooks}:
        return []
    text = linecache.getline(str(submission.root / file), line).strip()
    return [("line", {"line": str(line), "text": text})]
