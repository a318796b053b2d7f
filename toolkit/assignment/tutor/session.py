"""What `tutor.check`, `tutor.hint` and `tutor.progress` say, in a notebook and in a terminal.

All raise a UsageError where there is no such exercise, or where the settings cannot be read.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.assignment.check.host import Host
from toolkit.assignment.tutor.answer import Answer, as_text
from toolkit.assignment.tutor.exercises import Exercise, exercises, find_exercise, say
from toolkit.assignment.tutor.journal import last_check, read_entries, read_settings, write_entry
from toolkit.assignment.tutor.places import look
from toolkit.common.console import can_ask
from toolkit.common.files import sha256
from toolkit.common.texts.language import Language


def check_exercise(
    name: str,
    folder: Path,
    namespace: Mapping[str, Any] | None = None,
    expect: str | None = None,
    host: Host | None = None,
) -> tuple[Answer, str]:
    """The answer about an exercise, and what it reads like; both go into the journal.

    Args:
        folder: has the student's files, and gets the journal.
        namespace: of the notebook.
        expect: the prediction; None to ask for it where somebody can answer.
        host: where files run; None for one that is kept.
    """
    exercise, settings = find_exercise(name), read_settings(folder)
    function = (namespace or {}).get(exercise.function)
    if getattr(function, "__module__", "") != (namespace or {}).get("__name__"):
        function = None  # one of a file, which may have changed since
    code, last = _code(exercise, function, folder), last_check(read_entries(folder)[name])
    if last.get("verdict") == "wrong" and last.get("code") != code and settings.predictions:
        expect = _ask(say("predict", settings.language, name=name)) if expect is None else expect
    answer = look(exercise, function, folder, host)
    what = answer.model_dump(include={"verdict", "numbers", "mistake", "id"})
    write_entry(folder, name, **what, code=code, expected=expect or "")
    text = as_text(exercise, answer, settings.language, in_cell=function is not None)
    return answer, text + (
        f"\n{say('expected', settings.language, words=expect)}" if expect else ""
    )


def _code(exercise: Exercise, function: Any | None, folder: Path) -> str:
    """A hash of the code that is checked, to know whether it has changed."""
    path = folder / exercise.file
    data = path.read_bytes() if path.is_file() else b""
    for one in (function, *vars(function).values()) if function is not None else ():
        if code := getattr(one, "__code__", None):
            plain = [c for c in code.co_consts if not hasattr(c, "co_code")]  # whose repr lasts
            data += repr((code.co_code, code.co_names, plain)).encode()
    return sha256(data)[:12]


def _ask(question: str) -> str | None:
    """A line of the student's; None where nobody can answer."""
    ipython = sys.modules.get("IPython")
    kernel = ipython and getattr(ipython.get_ipython(), "kernel", None)
    try:
        return input(question).strip()[:500] if kernel or can_ask() else None
    except (EOFError, NotImplementedError):  # a notebook that is run without anybody at it
        return None


def next_hint(name: str, folder: Path) -> str:
    """The next hint; why there is none, in its place."""
    exercise, settings = find_exercise(name), read_settings(folder)
    language, entries = settings.language, read_entries(folder)[name]
    if not settings.hints:
        return say("hints are off", language)
    if last_check(entries).get("verdict") == "right":
        return say("no more hints", language, name=name)
    compared = [entry for entry in entries if entry.get("numbers")]
    if not compared:
        return say("no hint yet", language, name=name)
    last = compared[-1]
    given = [entry for entry in entries if "hint" in entry]
    begun = given and last["mistake"] in ("", given[-1]["mistake"])  # another one begins anew
    step = min(3, given[-1]["hint"] + 1) if begun else 1
    write_entry(folder, name, hint=step, mistake=last["mistake"])
    asked = _fitting(exercise, last, language) if step == 1 else ""
    text = asked or exercise.hints[language][step - 1]
    return say("hint", language, name=name, step=step) + "\n" + text


def _fitting(exercise: Exercise, last: Mapping[str, Any], language: Language) -> str:
    """The question about what the last check has shown; "" if there is none of its own."""
    mistakes = exercise.mistakes
    same = [key for key, one in mistakes.items() if one.get("id") == last["id"] != ""]
    key = last["mistake"] or (same[0] if len(same) == 1 else "")
    return mistakes[key][language] if last["verdict"] == "wrong" and key else ""


def list_progress(folder: Path) -> str:
    """All exercises, and which are right."""
    language, entries = read_settings(folder).language, read_entries(folder)
    marks = {"right": "done", "wrong": "tried"}
    states = {
        name: marks.get(last_check(listed).get("verdict", "")) for name, listed in entries.items()
    }
    right = sum(state == "done" for state in states.values())
    lines = [say("progress", language, number=right, all=len(states))]
    for name, state in states.items():
        mark = say(state, language) if state else ""
        lines.append(f"  {mark:6}{name:26}{exercises()[name].goal[language]}")
    return "\n".join(lines)
