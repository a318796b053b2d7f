"""Finds out how to build and call a student's class: as the student's training script does or, if
that does not work, as the assignment's skeleton code does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from toolkit.assignment.asking.host import LSTMChild, StudentError
from toolkit.assignment.judging.lstm.network import (
    BATCH,
    HIDDEN,
    STEPS,
    Network,
    Usage,
    WrongOutput,
)
from toolkit.assignment.running.replies import SeenCall

# Layouts of an input, and the dimension of a digit, where no training was seen: the skeleton's
# (batch, T-1, input_dim), integers for an embedding, and what else is common.
LAYOUTS = (("btd", 10), ("btd", 1), ("bt", 0), ("tbd", 10), ("bt", 1), ("tbd", 1), ("tb", 0))
Failure = StudentError | WrongOutput | None


def find_network(
    child: LSTMChild, kinds: Mapping[str, SeenCall | None]
) -> tuple[Network | None, Failure]:
    """Find a class that can be instantiated and whose instance can be called. For each class, the
    usage in the student's training script is tried first, and then the usage in the skeleton code.

    Args:
        kinds: the names of the Python classes that may implement the network, the most likely one
            first. Each name is mapped to a description of how the student's training script calls
            the class, or to None if no call was seen.

    Returns:
        the network that was found, or None if no class could be instantiated and called; and an
        informative error from the failed attempts, or None.
    """
    first: Failure = None
    for kind, call in kinds.items():
        as_seen = _as_seen(kind, call) if call else ()
        for usages in (as_seen, _by_contract(kind)):
            network, failure = _first_of(child, [*usages])
            if network is not None:
                return network, failure
            first = _clearer(first, failure)
    return None, first


def _first_of(child: LSTMChild, usages: Sequence[Usage]) -> tuple[Network | None, Failure]:
    """Return the first network that can be called and handles its input correctly. If there is
    none, return the first network that can be called, even if it ignores the last digit or mixes
    the sequences of a batch.
    """
    first: Failure = None
    best: Network | None = None
    for usage in usages:
        network = Network(child, usage)
        try:
            network.build()
            if not _fits(network):
                continue
            if network.recurrent or _grade(network) == 2:
                if usage.steps == 1 and best:  # its only step is also its last step
                    return best, None
                return network, first
            best = best or network
        except (StudentError, WrongOutput) as error:
            first = _clearer(first, error)
            if _is_hopeless(error):
                break
    return best, first


def _clearer(first: Failure, later: Failure) -> Failure:
    """Return the more informative of two failures.

    The result is `later` in two cases: `first` is None, or the unusual way in which the check
    called the class may explain `first` but not `later`. Otherwise, the result is `first`.
    """
    if first is None:
        return later
    if later is not None and _only_shape(first) and not _only_shape(later):
        return later
    return first


def _as_seen(kind: str, call: SeenCall) -> Iterator[Usage]:
    """Yield ways to build and call the class, modelled on how the student's training script uses
    it.

    For the batch size and the number of steps, the check's own values are tried before the values
    from the student's training run.
    """
    layout = kind, call["axes"], call["dim"]
    for steps in (STEPS, call["steps"]):
        for batch in (BATCH, HIDDEN, call["batch"]):
            for hidden in (HIDDEN, None):
                yield Usage(*layout, batch, steps, call["extra"], hidden, as_seen=True)


def _by_contract(kind: str) -> Iterator[Usage]:
    """Yield ways to build and call the class. The first is the way that the skeleton's code uses.
    Then come other input layouts, and finally other sizes, for classes that work only with certain
    sizes.

    A class that works only with certain sizes may require a fixed sequence length, a fixed batch
    size, or a batch size that equals the hidden size.
    """
    for batch, steps, extra in _sizes():
        for layout, dim in LAYOUTS:
            if steps not in (1, 10) or "d" in layout:  # a row of so many numbers may be one digit
                yield Usage(kind, layout, dim, batch, steps, extra)
    for layout, dim in LAYOUTS:
        yield Usage(kind, layout, dim, BATCH, STEPS, hidden=None)


def _sizes() -> Iterator[tuple[int, int, int]]:
    """Yield sizes to try, each as (batch size, number of steps, excess of seq_length over the
    number of steps).
    """
    yield BATCH, STEPS, 0
    yield BATCH, STEPS, 1
    for steps in (4, 9, 5, 3, 8, 10, 1):
        yield BATCH, steps, 0
    for batch in (HIDDEN, 1, 128, 64):
        yield batch, STEPS, 0
        yield batch, 4, 0


def _fits(network: Network) -> bool:
    """True if the way to call the network suits its constructor's parameters; for example, a
    network with an embedding is not given one-hot digits.
    """
    took, usage = network.took, network.usage
    if usage.as_seen:
        return True
    if usage.extra and "steps" not in took:
        return False
    integers = {"vocabulary", "embedding"} & set(took)
    return not (integers and usage.input_dim == 10)


def _only_shape(error: Failure) -> bool:
    """True if the error may just mean that the check called the class in an unusual way."""
    return not isinstance(error, StudentError) or error.file is None


def _is_hopeless(error: StudentError | WrongOutput) -> bool:
    """True if an error shows that building or calling the class in a different way would not
    help.
    """
    if isinstance(error, WrongOutput):
        return False
    if re.search(r"(super\(\)|before Module)\.__init__\(\)", error.text):
        return True
    return bool({"NotImplementedError", "NameError", "SyntaxError"} & set(error.types))


def _grade(network: Network) -> int:
    """Grade the network: return 2 if it both reads the last digit and keeps the sequences of a
    batch apart, and 1 otherwise.
    """
    usage = network.usage
    x = network.digits(usage.batch, usage.steps)
    other_end, other_first = x.clone(), x.clone()
    other_end[:, -1] = (x[:, -1] + 1) % 10
    other_first[0] = (x[0] + 1) % 10
    a, b, c = network.run([x, other_end, other_first], fresh=True)
    reads_end = not torch.equal(a, b)
    return 1 + int(reads_end and apart(a, c))


def apart(rows: Tensor, changed: Tensor) -> bool:
    """True if changing the first sequence leaves the outputs of all other sequences unchanged, or
    changes them only through a softmax over the batch.

    When the first sequence changes, a softmax over the batch shifts the logarithm of each class's
    probability by the same amount in all other rows. If the logarithms of the first row also shift
    by this amount, the cause is not such a softmax, and the output for one sequence depends on
    other sequences.

    Args:
        rows: outputs (batch, 10).
        changed: the outputs for the same batch with a different first sequence.
    """
    if len(rows) == 1 or bool((rows[1:] - changed[1:]).abs().max() < 1e-5):
        return True
    logs = rows.clamp_min(1e-30).log(), changed.clamp_min(1e-30).log()
    for a, b in ((rows, changed), logs):
        differs = ((a - b) - (a - b)[-1:]).abs().amax(1) >= 1e-4
        if differs[0] and not differs[1:].any():
            return True
    return False
