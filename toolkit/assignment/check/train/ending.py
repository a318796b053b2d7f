"""What keeps a script from being watched to its end, and what it did besides training."""

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.train.machine import check_machine
from toolkit.assignment.check.train.trace import Backward, Loss, Step, Trace
from toolkit.assignment.check.verdicts import Verdicts

DOWNLOAD = ("download", "urlopen", "HTTP Error", "Max retries", "Name or service")


def report_ending(trace: Trace, verdicts: Verdicts) -> None:
    """Report what stopped the script, if anything did, and what is wrong whatever it trains."""
    trained = bool(trace.all(Step, Backward, Loss))
    name = verdicts.file.rpartition("/")[2]
    error = None if trace.error is None else StudentError(trace.error)
    check_machine(trace, verdicts)
    if error is not None and _needs_network(trace, error):
        _report_missing(name, error, verdicts)
    elif trace.ended == "exit" or (error is not None and "EOFError" in error.types):
        if not trained:
            what = "asked for input" if error and "EOFError" in error.types else "called exit"
            verdicts.fault(
                "not-watched.before",
                at=error if error and error.file else None,
                proof={"ran": name, "times": 0},
                name=name,
                what=what,
            )
    elif trace.ended == "error" and error is not None:
        verdicts.error(error, importing="ImportError" in error.types and not trained)
    elif trace.ended == "nothing" and trace.unfinished and not verdicts.faults:
        verdicts.fault("not-written.pass", at=trace.unfinished[0], proof={"text": "pass"})
    elif (trace.called or trace.ended == "nothing") and trace.callers and not verdicts.faults:
        verdicts.not_seen("used-elsewhere", name=name, user=trace.callers[0])
    elif trace.ended == "nothing" and not verdicts.faults:
        verdicts.fault("not-watched.nothing", proof={"ran": name, "times": 0}, name=name)
    elif trace.called and not verdicts.faults:
        verdicts.fault(
            "not-watched.called",
            at=trace.functions.get(trace.called[-1]),
            proof={"ran": name, "times": 0},
            name=name,
            function=trace.called[-1],
        )


def _report_missing(name: str, error: StudentError, verdicts: Verdicts) -> None:
    """The script needs something that was not handed in."""
    verdicts.not_seen("missing", at=error, name=name, error=error)


def _needs_network(trace: Trace, error: StudentError) -> bool:
    return trace.ended == "network" or (
        trace.ended == "error" and any(word in error.text for word in DOWNLOAD)
    )
