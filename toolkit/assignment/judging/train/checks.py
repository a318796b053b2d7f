"""Judges a student's `train.py` by running it for a few steps and examining what happened."""

from toolkit.assignment.asking.host import TrainChild
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.handin.submission import Located
from toolkit.assignment.judging.train.data import check_data
from toolkit.assignment.judging.train.ending import check_end, check_machine, watch
from toolkit.assignment.judging.train.loss import check_loss, fits_together
from toolkit.assignment.judging.train.player import MANY
from toolkit.assignment.judging.train.steps import check_steps
from toolkit.assignment.judging.train.trace import Backward, Loss, Step, Trace

MAX_STEPS = 8  # in one loop
MAX_SECONDS = 13.0  # of CPU time


def check(child: TrainChild, located: Located, verdicts: Verdicts) -> None:
    """Judge the loss, the gradients, the optimiser and the data of the first steps."""
    verdicts.doing("the first steps of the training")
    trace = watch(child, located, MAX_STEPS, MAX_SECONDS).only(located.network)
    _check_run(trace, located, verdicts)
    verdicts.doing("the loss and the steps")
    if not fits_together(trace):
        verdicts.not_seen("inconsistent")
        return
    num_steps, num_passes = len(trace.all(Step)), len(trace.all(Backward))
    if trace.ended == "slow" and num_steps < 2 and num_steps + num_passes < MANY:
        verdicts.not_seen("slow")
        return
    if trace.all(Loss):
        verdicts.facts.add("saw-loss")
    check_loss(trace, verdicts)
    check_steps(trace, verdicts)
    verdicts.doing("palindromes that training and test data share")
    check_data(child, located, trace, verdicts)


def _check_run(trace: Trace, located: Located, verdicts: Verdicts) -> None:
    """Judge how the script ended and whether it called a forbidden module."""
    check_machine(trace, verdicts)
    error = check_end(trace, verdicts, left="not-watched")
    if error is not None:
        began = trace.all(Step, Backward, Loss)
        verdicts.error(error, importing="ImportError" in error.types and not began)
    elif trace.ended == "nothing" and not verdicts.faults:  # a fault would explain it
        _check_nothing(trace, located, verdicts)
    for call in trace.notes("recurrent")[:1]:
        proof = claims.shared.was_seen(call.name)
        verdicts.fault("forbidden-module.called", at=call, proof=proof)


def _check_nothing(trace: Trace, located: Located, verdicts: Verdicts) -> None:
    """Report that a script trains nothing; there are separate messages for a script that is
    unfinished and for one that another script uses.
    """
    if trace.unfinished:
        proof = claims.shared.is_written("pass")
        verdicts.fault("not-written.pass", at=trace.unfinished[0], proof=proof)
    elif located.users:
        verdicts.not_seen("used-elsewhere", user=verdicts.shown(located.users[0]))
    else:
        proof = claims.shared.never_happened(ran=verdicts.shown(located.file), times=0)
        verdicts.fault("not-watched.nothing", proof=proof)
