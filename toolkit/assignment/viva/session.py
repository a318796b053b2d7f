"""What `toolkit viva` does: finds questions about a folder, and asks them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.check.host import Host
from toolkit.assignment.check.submission import Submission, prepare
from toolkit.assignment.viva.facts import Runs
from toolkit.assignment.viva.questions import COUNT, Question, draw_questions, say
from toolkit.common.errors import ToolkitError
from toolkit.common.texts.language import Language

LETTERS = "abcd"


def questions_of(
    submission: Submission, host: Host, root: str, language: Language, seed: int
) -> list[Question]:
    """Five questions about a submission whose code runs in `host`; fewer if there are no more."""
    facts = Runs(submission, host, root, seed).facts()
    return draw_questions(list(facts), submission, language, seed)


def find_questions(folder: Path, language: Language, seed: int, host: Host) -> list[Question]:
    """The same about a folder, where there is at least one.

    Raises:
        UsageError: it is no folder, or has none of the files.
        ToolkitError: there is no question.
    """
    with tempfile.TemporaryDirectory(prefix="viva-", ignore_cleanup_errors=True) as scratch:
        submission = prepare(Path(os.path.realpath(folder)), Path(scratch).resolve())
        found = questions_of(submission, host, str(submission.root), language, seed)
    if not found:
        raise ToolkitError(say("few", language, number=0, wanted=COUNT))
    return found


def ask(questions: list[Question], language: Language, can_ask: bool) -> Iterator[str]:
    """What is to be printed; if somebody can answer, while one question after the other is."""
    if len(questions) < COUNT:
        yield say("few", language, number=len(questions), wanted=COUNT)
    yield say("about", language)
    wrong = []
    for number, question in enumerate(questions, start=1):
        choices = zip(LETTERS, question.choices, strict=True)
        yield "\n".join([f"\n{number}. {question.asks}", *(f"   {k}) {c}" for k, c in choices)])
        answer = "?" if can_ask else ""
        while answer not in ("", *LETTERS):
            answer = input(say("prompt", language)).strip().lower()
        wrong += [number] if answer != LETTERS[question.right] else []
    if not can_ask:
        yield f"\n{say('piped', language)}"
        return
    yield f"\n{say('right', language, number=len(questions) - len(wrong), all=len(questions))}"
    for number, question in enumerate(questions, start=1):
        key = "no" if number in wrong else "yes"
        verdict = say(key, language, letter=LETTERS[question.right])
        yield f"{number}. {verdict} {say('because', language, facts=question.because)}"
