"""Functions that check an exercise, give the next hint or show the student's progress, for use in
the notebook and on the command line.

The public functions raise a UsageError if the exercise or the folder does not exist, or if the
settings are invalid.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from toolkit.assignment.asking.host import Host
from toolkit.assignment.findings.explanations import explanation, section_of
from toolkit.assignment.findings.findings import Id
from toolkit.assignment.handin.submission import check_folder
from toolkit.assignment.tutor.answer import Answer, as_argument, as_text
from toolkit.assignment.tutor.exercises import Exercise, exercises, find_exercise, say
from toolkit.assignment.tutor.journal import last_check, read_entries, read_settings, write_entry
from toolkit.assignment.tutor.places import look
from toolkit.common.console import can_ask
from toolkit.common.errors import UsageError
from toolkit.common.files import sha256
from toolkit.common.texts.language import Language


def check_exercise(
    name: str,
    folder: Path,
    namespace: Mapping[str, Any] | None = None,
    expect: str | None = None,
    host: Host | None = None,
) -> tuple[Answer, str]:
    """Check an exercise, add a line to the journal, and return the answer and the text to print.

    Args:
        folder: the folder with the student's files, where the journal is also written.
        namespace: the notebook's variables, by name.
        expect: the student's prediction. None: the student is asked for a prediction if the last
            result was wrong, the code has changed since then, the setting `predictions` is on, and
            input is possible.
        host: starts the child processes that run the student's files; if it is None, all calls
            share one `Host`, which stays open until Python exits.
    """
    exercise, settings = _find(name, folder), read_settings(folder)
    function = _function_in(namespace or {}, exercise)
    code, last = _code(exercise, function, folder), last_check(read_entries(folder)[name])
    changed_since_wrong = last.get("verdict") == "wrong" and last.get("code") != code
    if expect is None and changed_since_wrong and settings.predictions:
        expect = _ask(say("predict", settings.language, name=name))
    answer = look(exercise, function, folder, host)
    facts = answer.model_dump(include={"verdict", "numbers", "mistake", "id"})
    write_entry(folder, name, **facts, code=code, expected=expect or "")
    text = as_text(exercise, answer, settings.language, in_cell=function is not None, folder=folder)
    if expect:
        text += "\n" + say("expected", settings.language, words=expect)
    return answer, text


def _find(name: str, folder: Path) -> Exercise:
    """Check that the folder exists, and return the exercise with the given name."""
    if name not in exercises() and str(folder) in exercises():
        raise UsageError(f"The exercise comes first, and then the folder: {folder} {name}.")
    exercise = find_exercise(name)
    check_folder(folder)
    return exercise


def _function_in(namespace: Mapping[str, Any], exercise: Exercise) -> Any | None:
    """Return the function that an exercise asks for, or None if no cell defines this function.

    If the notebook imported the function from a file, the result is None, because the file may have
    changed since the import.
    """
    function = namespace.get(exercise.function)
    if getattr(function, "__module__", "") == namespace.get("__name__"):
        return function
    return None


def _code(exercise: Exercise, function: Any | None, folder: Path) -> str:
    """Return a hash of the code that is being checked, so that the next check can tell whether the
    code has changed.
    """
    path = folder / exercise.file
    data = b""
    if path.is_file():
        data = path.read_bytes()
    if function is not None:
        for part in (function, *vars(function).values()):
            code = getattr(part, "__code__", None)
            if code:
                # The repr of a code object has its address.
                plain = [value for value in code.co_consts if not hasattr(value, "co_code")]
                data += repr((code.co_code, code.co_names, plain)).encode()
    return sha256(data)[:12]


def _ask(question: str) -> str | None:
    """Return the line that the student types, or None if no input is possible."""
    ipython = sys.modules.get("IPython")
    kernel = ipython and getattr(ipython.get_ipython(), "kernel", None)
    if not kernel and not can_ask():
        return None
    try:
        return input(question).strip()[:500]
    except (EOFError, NotImplementedError):  # the notebook runs, and nobody is there to answer
        return None


def next_hint(name: str, folder: Path) -> str:
    """Return the next hint, or the reason why there is no hint."""
    exercise, settings = _find(name, folder), read_settings(folder)
    language, entries = settings.language, read_entries(folder)[name]
    if not settings.hints:
        return say("hints are off", language)
    if last_check(entries).get("verdict") == "right":
        return say("no more hints", language, name=name, folder=as_argument(folder))
    compared = [entry for entry in entries if entry.get("numbers")]
    if not compared:
        return say("no hint yet", language, name=name)
    last = compared[-1]
    step = 1
    earlier_hints = [entry for entry in entries if "hint" in entry]
    if earlier_hints and last["mistake"] in ("", earlier_hints[-1]["mistake"]):
        step = min(3, earlier_hints[-1]["hint"] + 1)  # another mistake begins with the first hint
    write_entry(folder, name, hint=step, mistake=last["mistake"])
    text = _about_mistake(exercise, last, step, language) or exercise.hints[language][step - 1]
    return say("hint", language, name=name, step=step) + "\n" + text


def _about_mistake(
    exercise: Exercise, last: Mapping[str, Any], step: int, language: Language
) -> str:
    """Return a hint about the mistake that the last check found, or "" if there is no hint."""
    if last["verdict"] != "wrong":
        return ""
    mistake = exercise.mistakes.get(last["mistake"], {})
    if step == 1:
        return mistake.get(language, "")
    if mistake.get("then") != "page":
        return ""
    page = explanation(cast(Id, mistake["id"]), language)
    if page is None:
        return ""
    why, example, question = (section_of(page, number) for number in (2, 4, 5))
    return f"{why if step == 2 else example}\n\n{question}"


def list_progress(folder: Path) -> str:
    """List the exercises as text, marking those that the last check found to be right and those
    that it found to be wrong.
    """
    check_folder(folder)
    language = read_settings(folder).language
    verdicts = {}
    for name, entries in read_entries(folder).items():
        verdicts[name] = last_check(entries).get("verdict", "")
    right = list(verdicts.values()).count("right")
    lines = [say("progress", language, number=right, all=len(verdicts))]
    marks = {"right": say("done", language), "wrong": say("tried", language)}
    for name, verdict in verdicts.items():
        lines.append(f"  {marks.get(verdict, ''):6}{name:26}{exercises()[name].goal[language]}")
    return "\n".join(lines)
