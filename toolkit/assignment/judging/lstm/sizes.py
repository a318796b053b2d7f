"""Judges whether an LSTM works for any batch size and any length."""

from toolkit.assignment.asking.host import StudentError
from toolkit.assignment.findings.rules import claims
from toolkit.assignment.findings.verdicts import Verdicts
from toolkit.assignment.judging.lstm.network import BATCH, STEPS, Network, WrongOutput
from toolkit.assignment.judging.lstm.source import Source
from toolkit.assignment.running.places import Place

BATCHES = (1, 5)  # that are tried besides BATCH
LENGTHS = (STEPS, 3, 11)
Failure = StudentError | WrongOutput


def check_sizes(
    network: Network, first: Failure | None, source: Source, verdicts: Verdicts
) -> None:
    """Check whether the same network works with several batch sizes and with several sequence
    lengths.

    Args:
        first: the most informative error from the search for a way to call the network, if any.
    """
    network.build()
    network.any_batch = _check_batches(network, first, verdicts)
    network.any_length = _check_lengths(network, source, verdicts)
    if network.any_batch and network.any_length:
        proof = claims.lstm.takes_all_sizes(batches=[BATCH, *BATCHES], lengths=LENGTHS)
        verdicts.right("sizes", proof=proof)


def _check_batches(network: Network, first: Failure | None, verdicts: Verdicts) -> bool:
    """Report the first batch size that fails and return False, or return True if none fails."""
    if network.usage.batch != BATCH:  # it could not be built for BATCH sequences
        failure = _failure(network, BATCH, network.usage.steps) or first
        _report_batch("fixed-batch-size.none-other", BATCH, failure, network, verdicts)
        return False
    for batch in BATCHES:
        failure = _failure(network, batch, network.usage.steps)
        if failure is not None:
            _report_batch("fixed-batch-size.built-for", batch, failure, network, verdicts)
            return False
    return True


def _report_batch(
    rule: str, batch: int, failure: Failure | None, network: Network, verdicts: Verdicts
) -> None:
    verdicts.fault(
        rule,
        at=_place_of_rows(network, batch) or _at(failure),
        raised=failure if isinstance(failure, StudentError) else None,
        proof=claims.shared.only_one_works(works=network.usage.batch, fails=batch),
        sequences="1 sequence" if batch == 1 else f"{batch} sequences",
        problem=said_by(failure) if failure else "no logits",
    )


def _check_lengths(network: Network, source: Source, verdicts: Verdicts) -> bool:
    """Report a sequence length at which the network fails or ignores the last digit, or return True
    if there is no such length.
    """
    usage = network.usage
    for steps in LENGTHS:
        failure = _failure(network, usage.batch, steps)
        if failure is not None:
            problem = f"it fails: {said_by(failure)}"
        elif network.reads(steps, fresh=True):
            continue
        elif not network.reads(usage.steps, fresh=True):
            continue  # the network never reads the last digit, another fault
        else:
            problem = "it does not read all of them"
        verdicts.fault(
            "fixed-sequence-length.given",
            line=source.line_of_length(_at(failure)),
            raised=failure if isinstance(failure, StudentError) else None,
            proof=claims.shared.only_one_works(works=usage.steps, fails=steps),
            problem=problem,
        )
        return False
    return True


def _place_of_rows(network: Network, batch: int) -> Place | None:
    """Return the location in the code where the network creates a tensor with a dimension fixed at
    the batch size for which the network was built.
    """
    num_rows = network.usage.batch
    may_be_weight = num_rows == network.usage.hidden
    for tensor in network.tensors:
        if may_be_weight and (tensor["kind"] == "parameter" or not tensor["zero"]):
            continue
        if len(tensor["shape"]) > 1 and tensor["shape"][0] == num_rows:
            return network.made(tensor["name"])
    x = network.encode(network.digits(batch, network.usage.steps))
    for place, shape, _ in network.child.ask.makes(x=x):
        made = Place(*place)
        if made.line and len(shape) > 1 and num_rows in shape:
            return made
    return None


def _failure(network: Network, batch: int, steps: int) -> Failure | None:
    """Call the network, and return the exception that it raises, or None."""
    try:
        network.run([network.digits(batch, steps)])
    except (StudentError, WrongOutput) as error:
        return error
    return None


def said_by(error: Failure) -> str:
    """Return the first line of an error's message."""
    if isinstance(error, WrongOutput):
        return f"forward returns {error}, no logits"
    text = error.text.strip() or str(error).strip(": ")
    return text.splitlines()[0][:200].rstrip(".")


def _at(error: Failure | None) -> StudentError | None:
    return error if isinstance(error, StudentError) and error.line else None
