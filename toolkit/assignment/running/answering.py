"""The process that runs one part of a submission: it is asked, and it answers.

Each part has a class in `answers/` whose public methods are the questions. An answer carries the
nonce of its question. What a student's code raises is an answer too: its type, its text and its
place.
"""

import functools
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch

from toolkit.assignment.running.importing.compiler import postpone_compiler
from toolkit.assignment.running.parts import Part
from toolkit.assignment.running.places import place_of
from toolkit.assignment.running.process.walls import walls_of
from toolkit.assignment.running.replies import ErrorDescription
from toolkit.assignment.running.wire import Closed, receive, send

ANSWERS: dict[Part, str] = {
    "dataset": "toolkit.assignment.running.answers.dataset:DatasetAnswers",
    "train": "toolkit.assignment.running.answers.train:TrainAnswers",
    "gan": "toolkit.assignment.running.answers.gan:GANAnswers",
    "lstm": "toolkit.assignment.running.answers.lstm:LSTMAnswers",
}
MAX_TEXT = 2000  # characters of an exception's message that are sent

# Asks the judge something while it waits for an answer: back("what", name=value, ...).
Back = Callable[..., Any]


def take_pipes() -> tuple[int, int]:
    """Get ready to run or to start students' code, which sees neither warnings nor these pipes.

    Whatever answers is imported now.

    Returns:
        the descriptors of the standard input and output, in place of which there is nothing now.
    """
    read, write = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    # As the environment variables hide CUDA; cached as torch's own, in which the compiler looks.
    torch.backends.mps.is_available = functools.cache(lambda: False)
    postpone_compiler()
    for name in ANSWERS.values():
        resolve_name(name)
    return read, write


def answer_questions(part: Part, root: Path, read: int, write: int) -> None:
    """Answer until the judge has no more questions; then end this process.

    Args:
        root: the copy of the submission; the working directory is there.
        read, write: the pipes to the judge.
    """
    os.chdir(root)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that students' code uses
    torch.manual_seed(0)
    nonce = ""

    def back(name: str, /, **arguments: Any) -> Any:
        send(write, nonce, {"call": name, "arguments": arguments})
        return receive(read)[1]

    # This imports torchvision, and that the compiler, unless it is postponed by now.
    from toolkit.assignment.running.record.script.digits import few_digits, replace_mnist

    replace_mnist(few_digits(back))
    answers = resolve_name(ANSWERS[part])(root, back)
    while True:
        try:
            nonce, question = receive(read)
        except Closed:
            os._exit(0)
        if question["ask"] == "no more":
            os._exit(0)
        try:
            reply = {"value": getattr(answers, question["ask"])(**question["arguments"])}
        except (Exception, SystemExit) as error:  # whatever a student's code raises
            reply = {"error": described(error, root)}
        send(write, nonce, reply)


def described(error: BaseException, root: Path) -> ErrorDescription:
    """An exception as it is sent: the names of its types, its text, its place in their code, the
    names of the walls that it shows, and the path of a file that it did not find."""
    file, line = place_of(error, root)
    return {
        "types": [kind.__name__ for kind in type(error).__mro__],
        "text": str(error)[:MAX_TEXT],
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "walls": walls_of(error),
        "missing": _missing(error),
        "file": file,
        "line": line,
    }


def _missing(error: BaseException) -> str | None:
    """The path of the file that was not found, as they name it; None for other errors."""
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
        return error.filename[:MAX_TEXT]
    return None
