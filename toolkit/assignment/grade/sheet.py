"""Questions about another person's submission; the submission's code is untrusted, so it runs only
in the same kind of sandbox as in `grade`.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from toolkit.assignment.asking.host import MALFORMED
from toolkit.assignment.grade.verdict import CHECK, judged_apart
from toolkit.assignment.handin.submission import prepare
from toolkit.assignment.viva.questions import Question
from toolkit.assignment.viva.session import questions_of, some
from toolkit.common.errors import ToolkitError, UsageError
from toolkit.common.texts.language import Language

if TYPE_CHECKING:  # these need Linux
    from toolkit.assignment.sandbox.isolation import Isolation, Limits, Sandbox
    from toolkit.assignment.sandbox.share import Share

NEEDS_LINUX = (
    "viva --sheet needs Linux, because it runs other people's code in the sandbox of grade. "
    "Without --sheet, viva asks you about your own code on every system."
)


class Drawn(BaseModel):
    """The message sent back by the process that reads a submission: the questions about its code,
    or an error.
    """

    questions: list[Question] = []
    problem: str = ""


def questions_for_sheet(
    folder: Path, language: Language, seed: int, unsafe: bool, limits: "Limits | None" = None
) -> list[Question]:
    """Return questions about the code in a folder, as a list that is never empty.

    Args:
        unsafe: see `find_isolation`.
        limits: the limits of the sandbox.

    Raises:
        UsageError: the path is not a folder, or the folder has none of the assignment's files.
        ToolkitError: the code cannot be isolated safely on this machine, the code exceeded a limit,
            or there is no question to ask.
    """
    if sys.platform != "linux":
        raise ToolkitError(NEEDS_LINUX)
    from toolkit.assignment.sandbox.apart import Exceeded, Failed
    from toolkit.assignment.sandbox.choice import find_isolation
    from toolkit.assignment.sandbox.isolation import Limits

    isolation: Isolation = find_isolation(unsafe=unsafe)

    def work(sandbox: "Sandbox", share: "Share") -> bytes:
        return _drawn(folder, sandbox, share, language, seed).model_dump_json().encode()

    try:
        answer = judged_apart(work, limits or Limits(), isolation)
    except (Exceeded, Failed) as error:
        raise ToolkitError(f"There are no questions about {folder}: {error}.") from error
    drawn = Drawn.model_validate_json(answer)
    if drawn.problem:
        raise UsageError(drawn.problem)
    return some(drawn.questions, language)


def _drawn(
    folder: Path, sandbox: "Sandbox", share: "Share", language: Language, seed: int
) -> Drawn:
    from toolkit.assignment.sandbox.host import SandboxedHost

    sandbox.submission.mkdir()
    try:
        submission = prepare(Path(os.path.realpath(folder)), sandbox.submission)
    except UsageError as error:
        return Drawn(problem=str(error))
    drawn = Drawn()
    host = SandboxedHost(CHECK.child, sandbox, share)
    with host, contextlib.suppress(*MALFORMED):  # the student's process may reply with nonsense
        drawn.questions = questions_of(submission, host, host.root, language, seed)
    return drawn
