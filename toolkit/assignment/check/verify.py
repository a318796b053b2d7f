"""Whether a finding is proved: its claim is computed again from the numbers that were recorded.

What is right is claimed, too: `RIGHT` has the claims that none of these faults is there.

It runs no student's code, asks nobody, and sees nothing but these numbers.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from toolkit.assignment.check.findings import Finding, Id, Kind, Proof

EXACT = 2e-3  # up to this error of the logits, in float32, a reference computes the same
SAID = 40  # characters of what an exception says, enough to know it again
CHANCE = 1e-9  # of a finding that rests on drawn numbers, at most
PULL = 0.6  # of the push from drawn to real images, that the generator's is at least
FEW_ITEMS = 10  # different items, of which nothing can be told
MOST = 100  # of a list or a text that is recorded
ONCE: tuple[Id, ...] = ("does-not-run", "does-not-import", "missing-folder")  # and then again


class Claim(NamedTuple):
    """A way in which a finding can be certain."""

    kind: Kind
    ids: str  # of the findings that it may prove
    holds: Callable[..., Any]  # of what was seen, by the names of its parameters


def is_normal(n: int, mean: float, deviation: float, fourth: float) -> bool:
    """Whether n numbers with these moments may be standard normal: six standard errors, and more.

    A uniform distribution with variance 1 has a fourth moment of 1.8.
    """
    error = 6 / math.sqrt(n)
    near = abs(mean) < 0.05 + error and abs(deviation - 1) < 0.05 + 0.71 * error
    return near and abs(fourth - 3) < min(1.1, 0.2 + 4.9 * error)


def _same_failure(said: str, where: list[Any], again: str, there: list[Any]) -> bool:
    """The same line, or the same words elsewhere, as where it is mended."""
    words = again.partition("\n")[0][:SAID]
    return where == there or bool(words and words in said)


def _is_palindrome(digits: list[int]) -> bool:
    return digits == digits[::-1]


def _all_completed(rows: list[list[int]], labels: list[int]) -> bool:
    """Whether each label completes the palindrome that its row began."""
    pairs = list(zip(rows, labels, strict=True))
    return bool(pairs) and all(_is_palindrome([*row, label]) for row, label in pairs)


def _answer_is_read(rows: list[list[int]], labels: list[int]) -> bool:
    """Whether each row ends with the digit that is to be predicted, as part of a palindrome."""
    return all(map(_is_palindrome, rows)) or all(
        row[-1] == label and _is_palindrome(row[:-1])
        for row, label in zip(rows, labels, strict=True)
    )


def are_apart(shared: int, first: int, second: int, length: int) -> bool:
    """Whether two sets of palindromes share none, and not by luck.

    Of all 10^ceil(T/2) palindromes, sets of these sizes that are drawn independently share none
    with a probability of less than exp(-first * second / all).
    """
    everything = 10.0 ** ((length + 1) // 2)
    return shared == 0 and first * second / everything > -math.log(CHANCE)


def _suits(name: str, least: float, largest: float, squashed: bool) -> bool:
    """Whether a loss gets the numbers that it is made for: logits, or probabilities."""
    if name == "binary_cross_entropy_with_logits":
        return not squashed
    return name != "binary_cross_entropy" or (least >= 0 and largest <= 1)


def is_pulled(means: list[float]) -> bool:
    """Whether drawn images are pulled to where real ones are, however far away that is."""
    real, drawn, wanted = means
    return (wanted - drawn) * (real - drawn) > PULL * (real - drawn) ** 2


CLAIMS: dict[str, Claim] = {
    # of any part
    "none of these is among those": Claim(
        "identity", "missing-file does-not-run parameter-not-learnable uninitialised-weight "
        "nonzero-initial-state does-not-learn dead-parameter wrong-optimiser wrong-loss",
        lambda these, those: these and not set(these) & set(those)),
    "some of these are among those": Claim(
        "identity", "gradients-not-cleared missing-detach",
        lambda these, those: set(these) & set(those)),
    "these two should be the same": Claim(
        "identity", "wrong-shape wrong-loss loss-not-last-step batchnorm-mode",
        lambda one, other: one != other),
    "one of them works, the other does not": Claim(
        "experiment", "fixed-batch-size fixed-sequence-length fixed-device",
        lambda works, fails: works != fails),
    "the text says so": Claim(
        "read", "does-not-import not-written forbidden-module "
        "doubtful-record",
        lambda text: text.strip()),
    "it happened when it was tried": Claim(
        "experiment", "does-not-import not-written fixed-device forbidden-module time-limit "
        "length-overflow missing-detach wrong-loss",
        lambda happened: happened),
    "it stops there when it is run as it is, too": Claim(
        "experiment", "does-not-run does-not-import missing-folder", _same_failure),
    "the limit was used up": Claim(
        "experiment", "time-limit length-overflow", lambda cpu, limit: cpu >= 0.9 * limit),
    "it was run, and that never happened": Claim(
        "experiment", "not-watched does-not-learn", lambda ran, times: ran and times == 0),
    # of the data set
    "these are no palindrome": Claim(
        "identity", "not-a-palindrome",
        lambda digits, label: min(*digits, label) < 0 or max(*digits, label) > 9
        or not _is_palindrome(digits[1:])),
    "what is read does not grow with T": Claim(
        "experiment", "not-a-palindrome",
        lambda reads: len({n - int(length) for length, n in reads.items()}) > 1),
    "each of these rows ends with its answer": Claim(
        "identity", "answer-in-input",
        _answer_is_read),
    "another digit completes it": Claim(
        "identity", "wrong-label wrong-loss",
        lambda digits, label: _is_palindrome(digits[1:]) and digits[0] != label),
    "by chance that is rarer than one in a milliard": Claim(
        "identity", "missing-digits",
        lambda counts: 0 in counts and 10 * 0.9 ** sum(counts) < CHANCE),
    "it works up to 9 digits, and not there": Claim(
        "experiment", "length-overflow", lambda length, problem: length > 36 and problem),
    "both have these": Claim(
        "identity", "split-leak tests-on-training-data", lambda shared, of: 0 < shared <= of),
    # of the LSTM
    "the equations with this deviation give the same logits, without it others": Claim(
        "reproduced", "wrong-equation state-not-carried nonzero-initial-state loss-not-last-step",
        lambda inputs, error, without: inputs > 0 and error <= EXACT < without),
    "with the weights of all other steps the logits are others": Claim(
        "identity", "wrong-equation", lambda inputs, worst: inputs > 0 and worst > EXACT),
    "so few numbers cannot be four gates": Claim(
        "identity", "wrong-equation", lambda weights, n: weights < 4 * n * n),
    "no reading of its four gates gives its logits": Claim(
        "identity", "wrong-equation", lambda readings, nearest: readings and nearest > EXACT),
    "another digit there changes nothing": Claim(
        "experiment", "loss-not-last-step",
        lambda changed, difference: changed and difference == 0),
    "the numbers of a column add up to 1, those of a row do not": Claim(
        "identity", "wrong-equation softmax-before-loss wrong-loss",
        lambda columns, row: all(abs(s - 1) < 2e-3 for s in columns) and abs(row - 1) > 2e-3),
    "only a start that is not zero does this": Claim(
        "identity", "nonzero-initial-state", lambda first, allowed: first > allowed),
    "the same input, and another answer": Claim(
        "experiment", "nonzero-initial-state parameter-not-learnable",
        lambda difference, cause: difference > 1e-6),
    "its slope is not its gradient": Claim(
        "identity", "broken-gradient",
        lambda slopes, largest: any(abs(said - there) > 0.05 * abs(there) + 0.01 * largest
                                    for said, there in slopes)),
    "moving it changes nothing": Claim(
        "identity", "dead-parameter",
        lambda slopes, largest: all(not said and abs(there) < 1e-4 * largest + 1e-3
                                    for said, there in slopes)),
    "it was trained, and is wrong so often": Claim(
        "experiment", "does-not-learn", lambda accuracy, steps: accuracy < 0.9 and steps >= 300),
    # of training, in either part of the assignment
    "what it is given is no logarithm of probabilities": Claim(
        "identity", "wrong-loss",
        lambda largest, sums: largest > 0 or any(abs(s - 1) > 1e-3 for s in sums)),
    "these are probabilities": Claim(
        "identity", "softmax-before-loss",
        lambda least, row_sums: least >= 0 and all(abs(s - 1) < 2e-3 for s in row_sums)),
    "so many losses are in one pass": Claim(
        "identity", "loss-not-last-step", lambda losses, passes: len(losses) > 1 == passes),
    "the loss has the value of these steps, not of the last": Claim(
        "identity", "loss-not-last-step",
        lambda value, of_steps: abs(value - of_steps) < 1e-3 * (1 + abs(value))),
    "it starts from the negative": Claim(
        "identity", "does-not-learn",
        lambda start, loss: loss > 0 and abs(start + loss) <= 1e-3 * (1 + loss)),
    "no weight can move well at this rate": Claim(
        "identity", "does-not-learn", lambda rate: not 1e-6 <= rate <= 0.2),
    "one step moves both": Claim(
        "identity", "wrong-optimiser",
        lambda moved, one, other: set(moved) & set(one) and set(moved) & set(other)),
    "its passes push the same output both ways": Claim(
        "identity", "gradients-not-cleared", lambda pushes: min(pushes) < 0 < max(pushes)),
    "no gradient that a step uses was clipped": Claim(
        "identity", "clipping-without-effect",
        lambda clips: clips and not any(fresh and kept for fresh, kept in clips)),
    # of the GAN
    "such moments are not those of N(0, 1)": Claim(
        "identity", "wrong-noise",
        lambda n, mean, deviation, fourth: not is_normal(n, mean, deviation, fourth)),
    "one z in all steps": Claim(
        "identity", "wrong-noise", lambda different, steps: different == 1 and steps >= 3),
    "no image of MNIST has so many pixels": Claim(
        "identity", "wrong-shape", lambda pixels: pixels < 784 or pixels % 784),
    "larger noise gives larger images": Claim(
        "experiment", "output-range", lambda near, far: far > 5 * near > 5),
    "the ranges are far apart": Claim(
        "identity", "output-range",
        lambda drawn, real: max(abs(a - b) for a, b in zip(drawn, real, strict=True))
        > 0.3 * (drawn[1] - drawn[0])),
    "what passes the sigmoid lies between 0 and 1 already": Claim(
        "identity", "sigmoid-twice", lambda least, largest: least >= 0 and largest <= 1),
    "it gives 1 whatever it sees": Claim(
        "identity", "wrong-loss", lambda outputs: set(outputs) == {1}),
    "both losses pull the wrong way": Claim(
        "identity", "wrong-direction",
        lambda real, drawn, wanted: real * drawn > 0 or real * wanted < 0),
    "a term is lacking": Claim(
        "identity", "one-sided-loss", lambda real, drawn, steps: steps and not (real and drawn)),
    "all that may draw has run, and no line was drawn": Claim(
        "experiment", "missing-interpolation",
        lambda ended, lines, unseen: ended == "finished" and lines == unseen == 0),
    "the points are not nine in equal steps from one sample to the other": Claim(
        "identity", "wrong-interpolation interpolation-repeats-ends",
        lambda steps, repeats, misses: len(steps) != 8 or repeats or misses
        or max(steps) > 3 * min(steps)),
    "both ends are clearly of one class": Claim(
        "experiment", "same-class-ends",
        lambda classes, sure: classes[0] == classes[1] and min(sure) > 0.9),
}  # fmt: skip


# Each says that none of some faults is there: those of its ids, where a rule answers them.
RIGHT: dict[str, Claim] = {
    # of the data set
    "each label completes a palindrome, and is not read before": Claim(
        "identity", "not-a-palindrome wrong-label answer-in-input",
        lambda rows, labels, different: _all_completed(rows, labels)
        and not _answer_is_read(rows, labels) and different >= FEW_ITEMS),
    "each digit is ten numbers of float32, of which one is 1": Claim(
        "identity", "",
        lambda one_hot, dtype: dtype == "float32" and one_hot
        and all(len(row) == 10 and sum(row) == max(row) == 1 for row in one_hot)),
    "each digit was seen": Claim("identity", "missing-digits", lambda counts: min(counts) > 0),
    "these are palindromes of more digits than a number holds": Claim(
        "identity", "length-overflow",
        lambda lengths, rows, labels: _all_completed(rows, labels) and min(lengths) > 36
        and {*lengths} == {len(row) + 1 for row in rows}),
    "sets that are drawn independently would share some": Claim(
        "identity", "split-leak", are_apart),
    # of the training of the LSTM
    "it is one of these": Claim(
        "identity", "wrong-optimiser", lambda classes: "RMSprop" in classes),
    "no step has used a gradient twice": Claim(
        "identity", "gradients-not-cleared does-not-learn",
        lambda steps, stale: steps > 1 and not stale),
    "a fresh gradient was clipped": Claim(
        "identity", "clipping-without-effect",
        lambda clips: any(fresh and kept for fresh, kept in clips)),
    "what it takes are no probabilities, and were none": Claim(
        "identity", "wrong-loss loss-not-last-step softmax-before-loss",
        lambda least, row_sums, softmax: not softmax and row_sums
        and (least < 0 or any(abs(s - 1) > 2e-3 for s in row_sums))),
    "what it takes are logarithms of probabilities": Claim(
        "identity", "wrong-loss loss-not-last-step softmax-before-loss",
        lambda largest, sums: largest <= 1e-6 and sums and all(abs(s - 1) < 2e-3 for s in sums)),
    "both have one value": Claim(
        "identity", "wrong-loss loss-not-last-step softmax-before-loss",
        lambda value, entropy: abs(value - entropy) <= 1e-3 * (1 + abs(value))),
    # of the GAN
    "such moments may be those of N(0, 1), and not one z was seen": Claim(
        "identity", "wrong-noise",
        lambda n, mean, deviation, fourth, different: different > 1
        and is_normal(n, mean, deviation, fourth)),
    "the ranges and the numbers of pixels are alike": Claim(
        "identity", "wrong-shape output-range",
        lambda drawn, real, pixels: pixels
        and max(abs(a - b) for a, b in zip(drawn, real, strict=True))
        <= 0.3 * (drawn[1] - drawn[0])),
    "each loss gets what it is made for": Claim(
        "identity", "wrong-loss sigmoid-twice",
        lambda losses, squashed: losses
        and all(_suits(name, least, largest, squashed) for name, least, largest in losses)),
    "each step moves its own network by fresh gradients": Claim(
        "identity", "missing-detach gradients-not-cleared dead-parameter wrong-optimiser",
        lambda moved, both, stale, foreign, idle: min(moved) > 0
        and not (both or stale or foreign or idle)),
    "the losses pull apart, and the generator's to the real images": Claim(
        "identity", "wrong-direction one-sided-loss wrong-loss sigmoid-twice",
        lambda real, drawn, wanted, means: wanted == real != drawn or is_pulled(means)),
    "none of these layers depends on the mode": Claim(
        "identity", "batchnorm-mode",
        lambda layers: not any("BatchNorm" in layer for layer in layers)),
    "no sample was drawn in training mode": Claim(
        "identity", "batchnorm-mode", lambda training: training and not any(training)),
    "nine points in equal steps, the first and the last of them samples": Claim(
        "identity", "missing-interpolation wrong-interpolation interpolation-repeats-ends",
        lambda steps, repeats, samples: len(steps) == 8 and not repeats and all(samples)
        and max(steps) <= 3 * min(steps)),
    "in no try both ends were clearly of one class": Claim(
        "experiment", "same-class-ends",
        lambda tries: len(tries) >= 48
        and all(one != other or sure <= 0.9 for one, other, sure in tries)),
}  # fmt: skip


def proof_of_right(answers: Sequence[Id], seen: Mapping[str, Any]) -> Proof:
    """A proof that these faults are not there, by the claim that asks for these numbers.

    Raises:
        TypeError: there is none.
    """
    for name, claim in RIGHT.items():
        wanted = inspect.signature(claim.holds).parameters.keys()
        if {*answers} <= {*claim.ids.split()} and wanted == seen.keys():
            plain = {key: _plain(value) for key, value in seen.items()}
            return Proof(kind=claim.kind, claim=name, seen=plain)
    raise TypeError(f"nothing proves that there is no {answers} from {', '.join(seen)}")


def proof_of(id: Id, seen: Mapping[str, Any]) -> Proof:
    """A proof by the claim that may prove such a finding, and that asks for these numbers.

    Raises:
        TypeError: there is none.
    """
    plain = {key: _plain(value) for key, value in seen.items()}
    for name, claim in CLAIMS.items():
        wanted = inspect.signature(claim.holds).parameters.keys()
        if id in claim.ids.split() and wanted == seen.keys():
            return Proof(kind=claim.kind, claim=name, seen=plain)
    if id in ONCE and seen.keys() == {"said", "where"}:
        return Proof(kind="experiment", claim="", seen=plain)
    raise TypeError(f"nothing proves {id} from {', '.join(seen) or 'nothing'}")


def is_pending(finding: Finding) -> bool:
    """Whether it was seen once, and is to be tried without the check's hands."""
    return finding.proof is not None and not finding.proof.claim and finding.id in ONCE


def is_proved(finding: Finding) -> bool:
    """Whether what was seen makes the claim true, and the claim makes the finding certain."""
    claims = RIGHT if finding.verdict == "right" else CLAIMS
    claim = finding.proof and claims.get(finding.proof.claim)
    said = {*finding.answers} if finding.verdict == "right" else {finding.id}
    if not claim or finding.proof is None or not said <= {*claim.ids.split()}:
        return False
    try:
        holds = bool(claim.holds(**finding.proof.seen))
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
        return False  # numbers that are none
    return holds and claim.kind == finding.proof.kind


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(x) for key, x in value.items()}
    if isinstance(value, Set):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value[:MOST]]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # which proves nothing
    if isinstance(value, str):
        return value[:MOST].encode(errors="replace").decode()
    return value
