"""The process that runs one part of a submission and replies to questions from the judge, that is,
from the process that checks the submission.

Each part of a submission, such as the LSTM, has a class in `answers/`; each public method of the
class replies to one kind of question. Each reply carries its question's nonce. If a student's code
raises an exception, the reply contains the exception's class, message and location.
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
MAX_TEXT = 2000  # characters of an exception's message

# A function that asks the waiting judge for something: back("what", name=value, ...).
Back = Callable[..., Any]


def take_pipes() -> tuple[int, int]:
    """Prepare this process to run students' code, so that the code prints no warnings, and cannot
    read from or write to the checking process through standard input and output.

    The function also imports the classes whose methods answer the questions of the checking
    process.

    Returns:
        duplicates of the original standard input and output descriptors; the standard descriptors
        themselves now refer to the null device.
    """
    read, write = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    # MPS is hidden, too. The function has a cache like torch's own, because the compiler uses it.
    torch.backends.mps.is_available = functools.cache(lambda: False)
    postpone_compiler()
    for name in ANSWERS.values():
        resolve_name(name)
    return read, write


def answer_questions(part: Part, root: Path, read: int, write: int) -> None:
    """Reply to questions from the judge (the process that checks the submission) until there are no
    more; then end this process.

    Args:
        root: the copy of the submission, which becomes the working directory.
        read, write: the file descriptors of the pipes from and to the process that checks the
            submission.
    """
    os.chdir(root)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that students' code uses
    torch.manual_seed(0)
    nonce = ""

    def back(name: str, /, **arguments: Any) -> Any:
        send(write, nonce, {"call": name, "arguments": arguments})
        return receive(read)[1]

    # Torchvision imports the compiler, so the compiler must have been postponed by now.
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
    """Describe an exception for the judge, the process that checks the submission.

    The description contains the names of the exception's class and base classes, its message and
    its location in the student's code. Where applicable, the description also contains the module
    that could not be imported and the path of the missing file. It also names the limits, such as
    the limit on disk space, that may have caused the exception.
    """
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
    """Return the path of the file that a FileNotFoundError reports, as the student's code gave it,
    or None for any other exception.
    """
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
        return error.filename[:MAX_TEXT]
    return None
