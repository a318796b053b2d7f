"""What `toolkit viva` does: finds questions about a folder, and asks them."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.check.host import Host, plain_host
from toolkit.assignment.check.submission import Submission, prepare
from toolkit.assignment.viva.facts import Runs
from toolkit.assignment.viva.questions import Question, draw_questions, say
from toolkit.common.texts.language import Language

LETTERS = "abcd"


def questions_of(
    submission: Submission, host: Host, root: str, language: Language, seed: int
) -> list[Question]:
    """Five questions about a submission whose code runs in `host`; fewer if there are no more."""
    facts = list(Runs(submission, host, root, seed).facts())
    return draw_questions(facts, submission, language, seed)


def find_questions(
    folder: Path, language: Language, seed: int, host: Host | None
) -> list[Question]:
    """The same about a folder; a UsageError where there is no such, or none of the files in it."""
    with (
        tempfile.TemporaryDirectory(prefix="viva-", ignore_cleanup_errors=True) as scratch,
        contextlib.nullcontext(host) if host else plain_host() as running,
    ):
        submission = prepare(Path(os.path.realpath(folder)), Path(scratch).resolve())
        return questions_of(submission, running, str(submission.root), language, seed)


def as_text(question: Question, number: int) -> str:
    """A question and its choices."""
    choices = zip(LETTERS, question.choices, strict=True)
    return "\n".join([f"{number}. {question.asks}", *(f"   {k}) {c}" for k, c in choices), ""])


def ask(questions: list[Question], language: Language) -> Iterator[str]:
    """What is to be printed while somebody answers one question after the other."""
    wrong = []
    for number, question in enumerate(questions, start=1):
        yield as_text(question, number)
        answer = "?"
        while answer not in ("", *LETTERS):
            answer = input(say("prompt", language)).strip().lower()
        wrong += [number] if answer != LETTERS[question.right] else []
        yield ""
    yield say("right", language, number=len(questions) - len(wrong), all=len(questions))
    for number, question in enumerate(questions, start=1):
        letter = LETTERS[question.right]
        verdict = say("no" if number in wrong else "yes", language, letter=letter)
        yield f"{number}. {verdict} {say('because', language, facts=question.because)}"
