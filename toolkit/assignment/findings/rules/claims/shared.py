"""Claims that are not specific to one part of a submission."""

import math
from collections.abc import Collection, Sequence

from toolkit.assignment.findings.rules.claims.claim import proves, rules_out

CHANCE = 1e-9  # the largest probability that random numbers give a wrong finding
ENOUGH_WORDS = 40  # characters of an exception's message that identify it
NEAR_ONE = 2e-3  # the largest distance from 1 of a sum of probabilities in float32


def is_near_one(number: float, tolerance: float = NEAR_ONE) -> bool:
    """True if a number equals 1 up to rounding errors."""
    return abs(number - 1) < tolerance


# Sets and values.


@proves(
    "identity",
    "missing-file",
    "does-not-run",
    "parameter-not-learnable",
    "uninitialised-weight",
    "nonzero-initial-state",
    "does-not-learn",
    "dead-parameter",
    "wrong-optimiser",
    "wrong-loss",
)
def none_is_among(items: Collection[object], among: Collection[object]) -> bool:
    """The first group has at least one item, and none of its items is in the second group."""
    return bool(items) and set(items).isdisjoint(among)


@proves("identity", "gradients-not-cleared", "missing-detach")
def some_are_among(items: Collection[object], among: Collection[object]) -> bool:
    """Some items of the first group are also in the second group."""
    return not set(items).isdisjoint(among)


@proves("identity", "wrong-shape", "wrong-loss", "loss-not-last-step", "batchnorm-mode")
def differ(actual: object, expected: object) -> bool:
    """Two values should be equal, but they differ."""
    return actual != expected


@proves("experiment", "fixed-batch-size", "fixed-sequence-length", "fixed-device")
def only_one_works(works: object, fails: object) -> bool:
    """The code works in one case (for example, with one batch size) but not in another."""
    return works != fails


# What the code says and does.


@proves("read", "does-not-import", "not-written", "forbidden-module", "doubtful-record")
def is_written(text: str) -> bool:
    """The fault can be seen in the submitted file itself, without running any code."""
    return bool(text.strip())


@proves(
    "experiment",
    "does-not-import",
    "not-written",
    "fixed-device",
    "forbidden-module",
    "time-limit",
    "length-overflow",
    "missing-detach",
    "wrong-loss",
)
def was_seen(happened: object) -> bool:
    """The fault occurred when the check ran the code."""
    return bool(happened)


@proves("experiment", "does-not-run", "does-not-import", "missing-folder")
def failed_once(error: str, place: object) -> bool:
    """The code failed once during the check, which proves nothing without a second run."""
    return False


@proves("experiment", "does-not-run", "does-not-import", "missing-folder")
def fails_again(error: str, place: object, second_error: str, second_place: object) -> bool:
    """Without the check's changes, the code fails again on the same line or with the same message.

    A different line is accepted if the error message is the same. The reason is that the check
    changes the code, for example by shortening loops. The changed code can get past a line on which
    the unchanged code fails.
    """
    words = second_error.partition("\n")[0][:ENOUGH_WORDS]
    return place == second_place or bool(words and words in error)


@proves("experiment", "time-limit", "length-overflow")
def limit_is_used_up(cpu: float, limit: float) -> bool:
    """The code used at least 90% of its CPU time limit."""
    return cpu >= 0.9 * limit


@proves("experiment", "not-watched", "does-not-learn")
def never_happened(ran: str, times: int) -> bool:
    """The code ran, but an event that was expected, such as an optimiser step, never happened."""
    return bool(ran) and times == 0


# Splits of a data set.


@proves("identity", "split-leak", "tests-on-training-data")
def overlap(shared: int, size: int) -> bool:
    """The two sets have some items in common."""
    return 0 < shared <= size


@rules_out("identity", "split-leak")
def are_apart(shared: int, first: int, second: int, length: int) -> bool:
    """No palindrome is in both sets; for independent sets, the probability of this is below 1e-9.

    There are N = 10^ceil(T/2) palindromes of T digits. The probability that two independent sets of
    n and m palindromes share no palindrome is below exp(-n m / N).
    """
    num_palindromes = 10.0 ** ((length + 1) // 2)
    return shared == 0 and first * second / num_palindromes > -math.log(CHANCE)


# Probabilities.


@proves("identity", "wrong-equation", "softmax-before-loss", "wrong-loss")
def softmax_is_over_batch(columns: Sequence[float], row: float) -> bool:
    """In a batch of probabilities, each column adds up to 1, but at least one row does not."""
    return all(map(is_near_one, columns)) and abs(row - 1) > NEAR_ONE
