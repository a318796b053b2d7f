"""What keeps a script from being watched to its end, and what it did besides training."""

from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.train.machine import check_machine
from toolkit.assignment.check.train.trace import Trace
from toolkit.assignment.check.verdicts import Verdicts

DOWNLOAD = ("download", "urlopen", "HTTP Error", "Max retries", "Name or service")


def report_ending(trace: Trace, verdicts: Verdicts) -> None:
    """Report what stopped the script, if anything did, and what is wrong whatever it trains."""
    trained = bool(trace.all("step", "backward", "loss"))
    name = verdicts.file.rpartition("/")[2]
    error = None if trace.error is None else StudentError(trace.error)
    check_machine([event.fields for event in trace.events], verdicts)
    if error is not None and _needs_network(trace, error):
        _report_missing(name, error, verdicts)
    elif trace.ended == "exit" or (error is not None and "EOFError" in error.types):
        if not trained:
            what = "asked for input" if error and "EOFError" in error.types else "called exit"
            verdicts.fault(
                "not-watched",
                f"{name} {what} before it trained. It is run without arguments, so each of them "
                "needs a default.",
                at=error if error and error.file else None,
                proof={"ran": name, "times": 0},
            )
    elif trace.ended == "error" and error is not None:
        verdicts.error(error, importing="ImportError" in error.types and not trained)
    elif trace.ended == "nothing" and trace.unfinished and not verdicts.faults:
        message = "This is still to be written: nothing is done here, so nothing trains."
        verdicts.fault("not-written", message, at=trace.unfinished[0], proof={"text": "pass"})
    elif (trace.called or trace.ended == "nothing") and trace.callers and not verdicts.faults:
        verdicts.not_seen(
            f"`python {name}` trains nothing. {trace.callers[0]} uses it, and its training was not "
            "seen either.",
            id="not-watched",
        )
    elif trace.ended == "nothing" and not verdicts.faults:
        verdicts.fault(
            "not-watched",
            f"{name} trained nothing when it was run, so nothing can be said about it. Make sure "
            f"that `python {name}` trains.",
            proof={"ran": name, "times": 0},
        )
    elif trace.called and not verdicts.faults:
        verdicts.fault(
            "not-watched",
            f"`python {name}` trains nothing, and no other file uses it. The check called "
            f"{trace.called[-1]} itself. What should call it?",
            at=trace.functions.get(trace.called[-1]),
            proof={"ran": name, "times": 0},
        )


def _report_missing(name: str, error: StudentError, verdicts: Verdicts) -> None:
    """The script needs something that was not handed in."""
    verdicts.not_seen(
        f"{name} needs something that was not handed in ({error}), and what follows was not seen. "
        "The check has no network; torchvision.datasets.MNIST is always there.",
        id="not-watched",
        at=error,
    )


def _needs_network(trace: Trace, error: StudentError) -> bool:
    return trace.ended == "network" or (
        trace.ended == "error" and any(word in error.text for word in DOWNLOAD)
    )
