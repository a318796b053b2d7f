"""What keeps a script from being watched to its end, and what it did besides training."""

from collections.abc import Sequence

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.train.machine import check_machine
from toolkit.assignment.check.train.trace import Backward, Loss, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts

DOWNLOAD = ("download", "urlopen", "HTTP Error", "Max retries", "Name or service")


def report_ending(trace: Trace, users: Sequence[str], verdicts: Verdicts) -> None:
    """Report what stopped the script, if anything did, and what is wrong whatever it trains.

    Args:
        users: the files of theirs that import it.
    """
    trained = bool(trace.all(Step, Backward, Loss))
    name = verdicts.file.rpartition("/")[2]
    error = None if trace.error is None else StudentError(trace.error)
    check_machine(trace, verdicts)
    never = {"ran": name, "times": 0}
    if error is not None and _needs_network(trace, error):
        verdicts.not_seen("missing", at=error, name=name, error=error)
    elif trace.ended == "exit" or (error is not None and "EOFError" in error.types):
        if not trained:
            what = "asked for input" if error and "EOFError" in error.types else "called exit"
            verdicts.fault(
                "not-watched.before",
                at=error if error and error.file else None,
                proof=never,
                name=name,
                what=what,
            )
    elif trace.ended == "error" and error is not None:
        verdicts.error(error, importing="ImportError" in error.types and not trained)
    elif verdicts.faults:
        return  # which account for it
    elif trace.ended == "nothing" and trace.unfinished:
        verdicts.fault("not-written.pass", at=trace.unfinished[0], proof={"text": "pass"})
    elif trace.ended == "nothing" and users:
        verdicts.not_seen("used-elsewhere", name=name, user=users[0])
    elif trace.ended == "nothing":
        verdicts.fault("not-watched.nothing", proof=never, name=name)


def _needs_network(trace: Trace, error: StudentError) -> bool:
    return trace.ended == "network" or (
        trace.ended == "error" and any(word in error.text for word in DOWNLOAD)
    )
