"""Whether a student's LSTM works for any batch size and any length."""

from toolkit.assignment.check.findings import Place
from toolkit.assignment.check.host import StudentError
from toolkit.assignment.check.lstm.network import BATCH, STEPS, Network, WrongOutput
from toolkit.assignment.check.lstm.source import Source
from toolkit.assignment.check.verdicts import Verdicts

Failure = StudentError | WrongOutput


def check_sizes(
    network: Network, first: Failure | None, source: Source, verdicts: Verdicts
) -> None:
    """Any batch size and any length, on one and the same network."""
    network.build()
    network.any_batch = _any_batch(network, first, verdicts)
    network.any_length = _any_length(network, source, verdicts)
    if network.any_batch and network.any_length:
        verdicts.right("sizes")


def _any_batch(network: Network, first: Failure | None, verdicts: Verdicts) -> bool:
    way = network.way
    built = way.batch == BATCH  # else it was not to be built for so many
    for batch in (1, 5) if built else (BATCH,):
        failure = _failure(network, batch, way.steps)
        if failure is None and built:
            continue
        failure = failure or first
        verdicts.fault(
            "fixed-batch-size.built-for" if built else "fixed-batch-size.none-other",
            at=_of_rows(network, batch) or _at(failure),
            proof={"works": way.batch, "fails": batch},
            sequences="1 sequence" if batch == 1 else f"{batch} sequences",
            problem=said_by(failure) if failure else "no logits",
        )
        return False
    return True


def _any_length(network: Network, source: Source, verdicts: Verdicts) -> bool:
    way = network.way
    for steps in (STEPS, 3, 11):
        failure = _failure(network, way.batch, steps)
        what = None if failure is None else f"it fails: {said_by(failure)}"
        if failure is None and not network.reads(steps, fresh=True):
            if not network.reads(way.steps, fresh=True):
                continue  # it never reads the last digit, which is another fault
            what = "it does not read all of them"
        if what is not None:
            verdicts.fault(
                "fixed-sequence-length.given",
                line=source.line_of_length(_at(failure)),
                proof={"works": way.steps, "fails": steps},
                problem=what,
            )
            return False
    return True


def _of_rows(network: Network, batch: int) -> Place | None:
    """Where something is made that has a row for each sequence, but not for `batch` of them."""
    same = network.way.batch == network.way.hidden  # then it may be a matrix of weights as well
    for tensor in network.tensors:
        if same and (tensor["kind"] == "parameter" or not tensor["zero"]):
            continue
        if len(tensor["shape"]) > 1 and tensor["shape"][0] == network.way.batch:
            return network.made(tensor["name"])
    x, rows = network.encode(network.digits(batch, network.way.steps)), network.way.batch
    made = (Place(*p) for p, n, _ in network.student.ask("makes", x=x) if len(n) > 1 and rows in n)
    return next((place for place in made if place.line), None)


def _failure(network: Network, batch: int, steps: int) -> Failure | None:
    try:
        network.run([network.digits(batch, steps)])
    except (StudentError, WrongOutput) as error:
        return error
    return None


def said_by(error: Failure) -> str:
    """The first line of an error's message."""
    if isinstance(error, WrongOutput):
        return f"forward returns {error}, no logits"
    return (error.text.strip() or str(error).strip(": ")).splitlines()[0][:200].rstrip(".")


def _at(error: Failure | None) -> StudentError | None:
    return error if isinstance(error, StudentError) and error.line else None
