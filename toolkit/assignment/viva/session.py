"""The session of `toolkit viva`, which asks questions about the code in a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.assignment.asking.host import Host
from toolkit.assignment.handin.submission import Submission, prepare
from toolkit.assignment.handin.syntax import parsed, unwritten
from toolkit.assignment.scratch.directory import scratch_directory
from toolkit.assignment.viva.facts import Runs
from toolkit.assignment.viva.questions import COUNT, Question, draw_questions, say
from toolkit.common.errors import ToolkitError
from toolkit.common.texts.language import Language

LETTERS = "abcd"


def questions_of(
    submission: Submission, host: Host, root: str, language: Language, seed: int
) -> list[Question]:
    """Run a submission's code in child processes of `host`, and return up to five questions about
    the code.
    """
    facts = Runs(submission, host, root, seed).facts()
    return draw_questions(list(facts), submission, language, seed)


def find_questions(folder: Path, language: Language, seed: int, host: Host) -> list[Question]:
    """Run the user's own code in child processes of `host`, without a sandbox, and return questions
    about the code.

    Raises:
        UsageError: the path is not a folder, or the folder has none of the assignment's files.
        ToolkitError: no question can be asked about the code.
    """
    with scratch_directory("viva") as scratch:
        submission = prepare(Path(os.path.realpath(folder)), scratch)
        questions = questions_of(submission, host, str(submission.root), language, seed)
        names = unwritten_functions(submission)
        if not questions and names:
            raise ToolkitError(say("unwritten", language, names=", ".join(names)))
        return some(questions, language)


def unwritten_functions(submission: Submission) -> list[str]:
    """Return the names of a submission's functions that are still to be written."""
    names = []
    for file in submission.files:
        source = (submission.root / file).read_text(encoding="utf-8", errors="replace")
        tree = parsed(source)
        if tree is not None:
            names += [name for _, name in unwritten(tree, source)]
    return list(dict.fromkeys(names))


def some(questions: list[Question], language: Language) -> list[Question]:
    """Check that the list `questions` is not empty, and return it unchanged.

    Raises:
        ToolkitError: `questions` is empty.
    """
    if not questions:
        raise ToolkitError(say("few", language, number=0, wanted=COUNT))
    return questions


def ask(questions: list[Question], language: Language, can_ask: bool, seed: int) -> Iterator[str]:
    """Yield the session's texts, such as the questions, in the order in which they are to be
    printed.

    If `can_ask` is True, the function waits for the user's answer after each question, and yields
    the verdicts at the end. Otherwise, the last text that it yields says how to get the answers,
    and gives the `seed` that produces the same questions again.
    """
    if len(questions) < COUNT:
        yield say("few", language, number=len(questions), wanted=COUNT)
    yield say("about", language)
    wrong = []
    for number, question in enumerate(questions, start=1):
        lines = [f"\n{number}. {question.asks}"]
        for letter, choice in zip(LETTERS, question.choices, strict=True):
            lines.append(f"   {letter}) {choice}")
        yield "\n".join(lines)
        answer = "?" if can_ask else ""
        while answer not in ("", *LETTERS):
            answer = input(say("prompt", language)).strip().lower()
        if answer != LETTERS[question.right]:
            wrong.append(number)
    if not can_ask:
        yield f"\n{say('piped', language, seed=seed)}"
        return
    yield f"\n{say('right', language, number=len(questions) - len(wrong), all=len(questions))}"
    for number, question in enumerate(questions, start=1):
        key = "no" if number in wrong else "yes"
        verdict = say(key, language, letter=LETTERS[question.right])
        yield f"{number}. {verdict} {say('because', language, facts=question.because)}"
