"""Judges a student's `train.py`: runs it for a few steps, and looks at what really happened."""

from typing import Any

from toolkit.assignment.check.host import Student
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.data import check_data
from toolkit.assignment.check.train.ending import report_ending
from toolkit.assignment.check.train.loss import check_loss, fits_together
from toolkit.assignment.check.train.player import MANY
from toolkit.assignment.check.train.steps import check_steps
from toolkit.assignment.check.train.trace import Backward, Loss, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts

MAX_USERS = 2  # scripts that use it
MAX_STEPS = 8  # in one loop
MAX_SECONDS = 13.0  # of CPU time


def check(student: Student, located: Located, verdicts: Verdicts) -> None:
    """Look at the loss, the gradients, the optimiser and the data of the first steps."""
    verdicts.doing(f"the first steps of {located.file}")
    asked: dict[str, Any] = {"max_steps": MAX_STEPS}
    for file in (located.file, *located.users[:MAX_USERS]):
        asked["file"] = file
        trace = student.ask("run", reader=Trace.of, **asked, max_seconds=MAX_SECONDS)
        if trace.ended != "nothing":  # else one that uses it may train
            break
    trace = trace.only(located.network)
    report_ending(trace, located.users, verdicts)
    for call in trace.notes("recurrent")[:1]:
        verdicts.fault("forbidden-module.called", at=call, proof={"happened": call.name})
    verdicts.doing("the loss and the steps")
    if not fits_together(trace):
        verdicts.not_seen("inconsistent")
        return
    if _is_too_slow(trace):
        verdicts.not_seen("slow")
        return
    if trace.all(Loss):
        verdicts.facts.add("saw-loss")
    check_loss(trace, verdicts)
    check_steps(trace, verdicts)
    verdicts.doing("palindromes that training and test data share")
    check_data(student, trace, verdicts)


def _is_too_slow(trace: Trace) -> bool:
    """Whether too little of a training was seen, since it took too long."""
    few = len(trace.all(Step, Backward)) < MANY and len(trace.all(Step)) < 2
    return trace.ended == "slow" and few
