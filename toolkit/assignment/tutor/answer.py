"""Functions that judge a student's code for one exercise and turn the verdict into text."""

import linecache
import shlex
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel
from torch import Tensor

from toolkit.assignment.tutor.examples import Comparison, Function, same, try_out
from toolkit.assignment.tutor.exercises import Exercise, exercises, say
from toolkit.common.errors import first_line
from toolkit.common.texts.language import Language

MAX_NUMBERS = 24  # of a tensor that is shown
Sentence = tuple[str, dict[str, str]]  # a key of `sentences.toml`, and its fields


class Answer(BaseModel):
    """The tutor's verdict on a student's code for an exercise, with the details to be shown."""

    verdict: Literal["right", "wrong", "not written", "not seen"]
    number: int = 0  # of compared results that were right; 0 if the check has judged
    numbers: bool = False  # the code returned results that could be compared
    shown: list[tuple[str, str]] = []  # inputs, result and right result: names and texts
    result: str = "result"  # the name of the result, a key of `sentences.toml`
    sentences: list[Sentence] = []  # instead of a comparison, or below a comparison
    mistake: str = ""  # the likely mistake, a key of the exercise's `mistakes`
    id: str = ""  # the id of the check's finding


def examine(exercise: Exercise, function: Function) -> Answer:
    """Run a student's function on the examples of an exercise, and return the tutor's verdict as an
    `Answer`.

    If the function raises an exception, the answer describes the exception.
    """
    number = 0
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        try:
            for comparison in try_out(exercise, function):
                if comparison.got is None:
                    return Answer(verdict="wrong", sentences=[("none", {}), ("for numbers", {})])
                if not same(comparison.got, comparison.wanted):
                    return _wrong(exercise, comparison, number)
                number += 1
        except NotImplementedError:
            return Answer(verdict="not written")
        except (Exception, SystemExit) as error:  # a student's code may raise anything
            return Answer(verdict="wrong", sentences=_stopped(error))
    return Answer(verdict="right", number=number, numbers=True)


def _wrong(exercise: Exercise, comparison: Comparison, number: int) -> Answer:
    """Return the answer for a function whose results were correct in `number` comparisons and wrong
    in the next one.
    """
    are_gradients = comparison.result == "gradients"
    sentences: list[Sentence] = []
    if comparison.result != "shape" and not (are_gradients and comparison.ignored):
        sentences = _difference(comparison.got, comparison.wanted)
    if comparison.ignored:
        key = "cut" if are_gradients else "ignored"
        sentences.append((key, {"names": ", ".join(comparison.ignored)}))
    values = {**comparison.inputs, "got": comparison.got, "wanted": comparison.wanted}
    mistake = comparison.mistake if comparison.mistake in exercise.mistakes else ""
    return Answer(
        verdict="wrong",
        number=number,
        numbers=True,
        shown=list(zip(values, map(_text, values.values()), strict=True)),
        result=comparison.result,
        sentences=sentences,
        mistake=mistake,
        id=exercise.mistakes.get(mistake, {}).get("id", ""),
    )


def _difference(got: Any, wanted: Any) -> list[Sentence]:
    """Describe the first difference between a result and the correct one. The two may differ in the
    number of values returned, the type, the shape, an element or the dtype.
    """
    if isinstance(wanted, tuple):
        return _difference_of_several(got, wanted)
    if not isinstance(wanted, Tensor) or same(got, wanted):
        return []
    if not isinstance(got, Tensor):
        return [("kind", {"got": type(got).__name__})]
    if got.shape != wanted.shape:
        return [("size", {"got": str(tuple(got.shape)), "wanted": str(tuple(wanted.shape))})]
    places = ((got.detach().double() - wanted.double()).abs() > 1e-4).nonzero().tolist()
    if not places:
        return [("type", {"got": str(got.dtype)[6:], "wanted": str(wanted.dtype)[6:]})]
    first = tuple(places[0])
    numbers = {"got": f"{float(got[first]):.4g}", "wanted": f"{float(wanted[first]):.4g}"}
    return [("difference" if first else "number", numbers | {"place": str(places[0])})]


def _difference_of_several(got: Any, wanted: tuple[Any, ...]) -> list[Sentence]:
    """Describe the first difference between two tuples of results."""
    results = got if isinstance(got, tuple | list) else [got]
    if len(results) != len(wanted):
        return [("results", {"got": str(len(results)), "wanted": str(len(wanted))})]
    for number, pair in enumerate(zip(results, wanted, strict=True), start=1):
        difference = _difference(*pair)
        if difference:
            key, fields = difference[0]
            return [(f"{key} in one", fields | {"number": str(number)})]
    return []


def _stopped(error: BaseException) -> list[Sentence]:
    """Describe an exception: its message, the line of the student's code where it occurred, and the
    shapes of the tensors in local variables there.

    The file that contains this line is named only if the function that the tutor called is not in
    the same file.
    """
    message = f"{type(error).__name__}: {first_line(error)}".strip()
    place: list[Sentence] = []
    first_file = ""
    not_theirs = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if file.startswith(not_theirs):
            continue
        text = linecache.getline(file, line).strip()
        first_file = first_file or file
        place = [("line", {"line": str(line), "text": text})]
        if file != first_file and Path(file).is_file():  # the file of a cell does not exist
            fields = {"file": Path(file).name, "line": str(line), "text": text}
            place = [("line of file", fields)]
        shapes = []
        for name, value in frame.f_locals.items():
            if isinstance(value, Tensor):
                shapes.append(f"{name} {tuple(value.shape)}")
        if shapes:
            place.append(("shapes", {"shapes": ", ".join(shapes)}))
    return [("stopped", {"error": message}), *place, ("for numbers", {})]


def _text(value: Any) -> str:
    """Return a value as text: a tensor becomes its shape and, if it is small, its numbers."""
    if isinstance(value, tuple | list) and any(map(torch.is_tensor, value)):
        return "\n".join(map(_text, value))
    if isinstance(value, Tensor):
        if value.numel() > MAX_NUMBERS:
            return f"{tuple(value.shape)} ..."
        if value.is_floating_point():
            value = (value.detach().double() * 10_000).round() / 10_000 + 0.0
        return f"{tuple(value.shape)} {value.tolist()}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if callable(value):
        value = getattr(value, "__doc__", "")
    return str(value)[:200]


def as_text(
    exercise: Exercise, answer: Answer, language: Language, in_cell: bool, folder: Path
) -> str:
    """Return an answer as text.

    `in_cell` is True if the tutor was called in a notebook cell. In this case, the text also says
    where to copy a function that is correct and was tested on examples. In a cell, the text does
    not repeat the stub of a function that is not yet written, because the notebook already shows
    the stub.
    """
    known = {"name": exercise.name, "file": exercise.file, "folder": as_argument(folder)}

    def words(key: str, **fields: str) -> str:
        return say(key, language, **{**known, **fields})

    sentences = [words(key, **fields) for key, fields in answer.sentences]
    if answer.verdict == "right":
        key = "right" if answer.number else "right in the file"
        lines = [words(key, number=str(answer.number))]
        if in_cell and answer.number:  # else the code is in the file already
            lines.append(words("place", where=exercise.where))
        names = list(exercises())
        following = names[names.index(exercise.name) + 1 :]
        if following:
            lines.append(words("next", next=following[0]))
        return "\n".join(lines)
    lines = [words(answer.verdict)]
    if answer.verdict == "not seen":
        lines += sentences
    elif answer.verdict == "not written":
        lines += [*sentences, words("goal", goal=exercise.goal[language])]
        if not in_cell:
            lines += ["", exercise.stub, ""]
        lines.append(words("looked in"))
    else:
        lines = _lines_of_wrong(answer, words, sentences, _table(answer, language))
    return "\n".join(lines)


def as_argument(folder: Path) -> str:
    """Return the folder as an argument to append to a shell command, or "" for the current
    folder.
    """
    return "" if folder == Path() else " " + shlex.quote(str(folder))


def _lines_of_wrong(
    answer: Answer, words: Callable[..., str], sentences: list[str], table: list[str]
) -> list[str]:
    """Return the text about a wrong function, with the compared numbers and the next steps."""
    lines = [words("wrong")] if answer.numbers else []
    if answer.result != "result":
        lines.append(f"  {words('compared')} {words(answer.result)}")
    lines += [*table, *sentences]
    if answer.numbers:
        lines.append(words("ask for a hint"))
    if answer.id:
        lines.append(words("page", id=answer.id))
    return lines


def _table(answer: Answer, language: Language) -> list[str]:
    """Return the lines of a text table that shows the inputs, the result and the correct result,
    each after its name.
    """
    translated = {key: say(key, language) for key in ("got", "wanted", "True", "False")}
    names = [translated.get(name, name) for name, _ in answer.shown]
    width = max(map(len, names), default=0)
    lines = []
    for name, (_, text) in zip(names, answer.shown, strict=True):
        first = f"  {name:{width}}  "
        block = textwrap.indent(translated.get(text, text), " " * len(first))
        lines.append(first + block.lstrip())
    return lines
