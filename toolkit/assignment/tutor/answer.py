"""One exercise tried: the verdict on a function, and how it reads."""

import linecache
import textwrap
import traceback
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel
from torch import Tensor

from toolkit.assignment.tutor.examples import Function, Seen, same, try_out
from toolkit.assignment.tutor.exercises import Exercise, exercises, say
from toolkit.common.texts.language import Language

MOST = 24  # numbers of a tensor that are shown
Sentence = tuple[str, dict[str, str]]  # a key of `sentences.toml`, and what fills it in


class Answer(BaseModel):
    """What came of an exercise."""

    verdict: Literal["right", "wrong", "not written", "not seen"]
    number: int = 0  # of results that were compared and right; 0 where the check has judged
    numbers: bool = False  # whether the code gave results that could be compared
    shown: list[tuple[str, str]] = []  # what was given, got and wanted: names and texts
    what: str = "result"  # which result it is
    said: list[Sentence] = []  # in the place of a comparison, and below one
    mistake: str = ""  # what it looks like, a key of the exercise's
    id: str = ""  # the finding of the check


def examine(exercise: Exercise, function: Function) -> Answer:
    """Try a student's function on the examples of an exercise; whatever it raises is an answer."""
    number = 0
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        try:
            for seen in try_out(exercise, function):
                if seen.got is None:
                    return Answer(verdict="wrong", said=[("none", {}), ("for numbers", {})])
                if not same(seen.got, seen.wanted):
                    return _wrong(exercise, seen, number)
                number += 1
        except NotImplementedError:
            return Answer(verdict="not written")
        except (Exception, SystemExit) as error:  # whatever a student's code raises
            return Answer(verdict="wrong", said=_stopped(error))
    return Answer(verdict="right", number=number, numbers=True)


def _wrong(exercise: Exercise, seen: Seen, number: int) -> Answer:
    key = "cut" if seen.what == "gradients" else "ignored"
    is_plain = seen.what == "shape" or (key == "cut" and seen.ignored)  # without what differs
    said = [] if is_plain else _difference(seen.got, seen.wanted)
    said += [(key, {"names": ", ".join(seen.ignored)})] * bool(seen.ignored)
    shown = [*seen.given.items(), ("got", seen.got), ("wanted", seen.wanted)]
    return Answer(
        verdict="wrong",
        number=number,
        numbers=True,
        shown=[(name, _text(value)) for name, value in shown],
        what=seen.what,
        said=said,
        mistake=seen.mistake if seen.mistake in exercise.mistakes else "",
        id=exercise.mistakes.get(seen.mistake, {}).get("id", ""),
    )


def _difference(got: Any, wanted: Any) -> list[Sentence]:
    """What is not as it should be: how many there are, a shape, the first number, or a type."""
    if isinstance(wanted, tuple):
        results = got if isinstance(got, tuple | list) else [got]
        if len(results) != len(wanted):
            return [("results", {"got": str(len(results)), "wanted": str(len(wanted))})]
        for number, pair in enumerate(zip(results, wanted, strict=True), start=1):
            for key, given in _difference(*pair):
                return [(f"{key} in one", given | {"number": str(number)})]
        return []
    if not isinstance(wanted, Tensor) or same(got, wanted):
        return []
    if not isinstance(got, Tensor):
        return [("kind", {"got": type(got).__name__})]
    if got.shape != wanted.shape:
        return [("size", {"got": str(tuple(got.shape)), "wanted": str(tuple(wanted.shape))})]
    places = ((got.detach().double() - wanted.double()).abs() > 1e-4).nonzero().tolist()
    if not places:
        return [("type", {"got": str(got.dtype)[6:], "wanted": str(wanted.dtype)[6:]})]
    at = tuple(places[0])
    numbers = {"got": f"{float(got[at]):.4g}", "wanted": f"{float(wanted[at]):.4g}"}
    return [("difference", numbers | {"place": str(places[0])})]


def _stopped(error: BaseException) -> list[Sentence]:
    """What the code raised, in which line of theirs, and which shapes the tensors had there."""
    said = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
    where: list[Sentence] = []
    others = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not (file := frame.f_code.co_filename).startswith(others):
            text = linecache.getline(file, line).strip()
            where = [("line", {"line": str(line), "text": text})]
            tensors = [(name, x) for name, x in frame.f_locals.items() if isinstance(x, Tensor)]
            if shapes := ", ".join(f"{name} {tuple(x.shape)}" for name, x in tensors):
                where.append(("shapes", {"shapes": shapes}))
    return [("stopped", {"error": said}), *where, ("for numbers", {})]


def _text(value: Any) -> str:
    """A value as it is shown: of a tensor its shape, and its numbers if they are few."""
    if isinstance(value, tuple | list) and any(isinstance(x, Tensor) for x in value):
        return "\n".join(map(_text, value))
    if isinstance(value, Tensor):
        rounded = (value.detach().double() * 10_000).round() / 10_000 + 0.0
        numbers = rounded if value.is_floating_point() else value
        return f"{tuple(value.shape)} {numbers.tolist() if value.numel() <= MOST else '...'}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(getattr(value, "__doc__", "") if callable(value) else value)[:200]


def as_text(exercise: Exercise, answer: Answer, language: Language, in_cell: bool) -> str:
    """An answer for people to read; below a cell without what is in it."""

    def words(key: str, **given: str) -> str:
        return say(key, language, **{"name": exercise.name, "file": exercise.file, **given})

    said = [words(key, **given) for key, given in answer.said]
    if answer.verdict == "right":
        lines = [
            words("right" if answer.number else "right in the file", number=str(answer.number))
        ]
        lines += [words("place", where=exercise.where)] * in_cell
        names = list(exercises())
        lines += [words("next", next=name) for name in names[names.index(exercise.name) + 1 :][:1]]
    elif answer.verdict == "not written":
        goal = words("goal", goal=exercise.goal[language])
        stub = [] if in_cell else ["", exercise.stub, ""]
        lines = [words("not written"), *said, goal, *stub, words("looked in")]
    elif answer.verdict == "not seen":
        lines = [words("not seen"), *said]
    else:
        compared = [f"  {words('compared')} {words(answer.what)}"] * (answer.what != "result")
        lines = [words("wrong")] * answer.numbers + compared + _table(answer, language) + said
        lines += [words("ask for a hint")] * answer.numbers
        lines += [words("page", id=answer.id)] * bool(answer.id)
    return "\n".join(lines)


def _table(answer: Answer, language: Language) -> list[str]:
    """The numbers of the example, one below the other."""
    own = {key: say(key, language) for key in ("got", "wanted", "True", "False")}
    width = max((len(own.get(name, name)) for name, _ in answer.shown), default=0)
    lines = []
    for name, text in answer.shown:
        first = f"  {own.get(name, name):{width}}  "
        lines.append(first + textwrap.indent(own.get(text, text), " " * len(first)).lstrip())
    return lines
