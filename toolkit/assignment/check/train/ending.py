"""What keeps a script from being watched to its end, and what it did besides training."""

from collections.abc import Sequence

from toolkit.assignment.check.host import StudentError
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
    elif trace.ended == "nothing" and not verdicts.faults:  # which would account for it
        if trace.unfinished:
            verdicts.fault("not-written.pass", at=trace.unfinished[0], proof={"text": "pass"})
        elif users:
            verdicts.not_seen("used-elsewhere", name=name, user=users[0])
        else:
            verdicts.fault("not-watched.nothing", proof=never, name=name)


def check_machine(trace: Trace, verdicts: Verdicts) -> None:
    """Whether a script runs on other machines: where folders are missing, and where no GPU is."""
    for made in trace.notes("folder")[:1]:
        seen = {"said": made.folder, "where": [made.file, made.line]}
        verdicts.fault("missing-folder.made", at=made, proof=seen)
    for gpu in trace.notes("gpu")[:1]:
        at = gpu.device or gpu
        verdicts.fault("fixed-device.used", at=at, proof={"happened": gpu.name})


def _needs_network(trace: Trace, error: StudentError) -> bool:
    return trace.ended == "network" or (
        trace.ended == "error" and any(word in error.text for word in DOWNLOAD)
    )
