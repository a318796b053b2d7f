"""Judges a student's `train.py`: runs it for a few steps, and looks at what really happened."""

from toolkit.assignment.check.host import Student
from toolkit.assignment.check.submission import Located
from toolkit.assignment.check.train.data import check_data
from toolkit.assignment.check.train.ending import report_ending
from toolkit.assignment.check.train.loss import check_loss
from toolkit.assignment.check.train.steps import MANY, check_steps
from toolkit.assignment.check.train.trace import Trace
from toolkit.assignment.check.verdicts import Verdicts

MAX_STEPS = 8  # in one loop
MAX_SECONDS = 12.0  # of CPU time


def check(student: Student, located: Located, verdicts: Verdicts) -> None:
    """Look at the loss, the gradients, the optimiser and the data of the first steps."""
    verdicts.doing(f"the first steps of {located.file}")
    trace = Trace(
        student.ask("run", file=located.file, max_steps=MAX_STEPS, max_seconds=MAX_SECONDS)
    )
    report_ending(trace, verdicts)
    if calls := trace.all("recurrent"):
        message = f"torch's own {calls[0]['name']} is called. Write equations (1) to (6) yourself."
        verdicts.fault("forbidden-module", message, at=calls[0])
    verdicts.doing("the loss and the steps")
    passes = trace.all("step", "backward")
    if trace.ended == "slow" and len(passes) < MANY and len(trace.all("step")) < 2:
        verdicts.not_seen("Training is too slow here: fewer than two steps were seen.")
        return
    if trace.all("loss"):
        verdicts.facts.add("saw-loss")
    check_loss(trace, verdicts)
    check_steps(trace, verdicts)
    verdicts.doing("palindromes that training and test data share")
    check_data(student, trace, verdicts)
