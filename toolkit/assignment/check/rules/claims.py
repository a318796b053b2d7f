"""The claims that make a finding certain: each is computed from the numbers that were recorded.

A claim is a function of these numbers, which have the names of its parameters. Above it stand the
kind of the proof, the claim as a sentence, and the ids of the findings that it may prove.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from toolkit.assignment.check.findings import Kind

EXACT = 2e-3  # up to this error of the logits, in float32, a reference computes the same
LARGE_STATE = 3.0  # of c(t): only a network that is read in so few steps may stay below it
SAID = 40  # characters of what an exception says, enough to know it again
CHANCE = 1e-9  # of a finding that rests on drawn numbers, at most
PULL = 0.6  # of the push from drawn to real images, that the generator's is at least
FEW_ITEMS = 10  # different items, of which nothing can be told
PIXELS = 784  # of an image of MNIST
Function = TypeVar("Function", bound=Callable[..., object])
Place = list[Any]  # file and line
Loss = tuple[str, float, float]  # name, and the range of its input


class Claim(NamedTuple):
    """A way in which a finding can be certain."""

    kind: Kind
    ids: str  # of the findings that it may prove
    holds: Callable[..., object]  # of what was seen, by the names of its parameters


CLAIMS: dict[str, Claim] = {}  # that a fault is there
RIGHT: dict[str, Claim] = {}  # that none of the faults with these ids is there


def fault(kind: Kind, sentence: str, ids: str) -> Callable[[Function], Function]:
    """Enter the function below as a claim that there is a fault."""
    return _enter(CLAIMS, kind, sentence, ids)


def right(kind: Kind, sentence: str, ids: str) -> Callable[[Function], Function]:
    """Enter the function below as a claim that there is none of these faults."""
    return _enter(RIGHT, kind, sentence, ids)


def _enter(
    claims: dict[str, Claim], kind: Kind, sentence: str, ids: str
) -> Callable[[Function], Function]:
    def enter(function: Function) -> Function:
        claims[sentence] = Claim(kind, ids, function)
        return function

    return enter


# What several claims need.


def is_normal(n: int, mean: float, deviation: float, fourth: float) -> bool:
    """True if n numbers with these moments may be standard normal: six standard errors, and more.

    A uniform distribution with variance 1 has a fourth moment of 1.8.
    """
    error = 6 / math.sqrt(n)
    near = abs(mean) < 0.05 + error and abs(deviation - 1) < 0.05 + 0.71 * error
    return near and abs(fourth - 3) < min(1.1, 0.2 + 4.9 * error)


def is_pulled(means: list[float]) -> bool:
    """True if drawn images are pulled to where real ones are, however far away that is."""
    real, drawn, wanted = means
    return (wanted - drawn) * (real - drawn) > PULL * (real - drawn) ** 2


def are_apart(shared: int, first: int, second: int, length: int) -> bool:
    """True if two sets of palindromes share none, and not by luck.

    Of all 10^ceil(T/2) palindromes, sets of these sizes that are drawn independently share none
    with a probability of less than exp(-first * second / all).
    """
    everything = 10.0 ** ((length + 1) // 2)
    return shared == 0 and first * second / everything > -math.log(CHANCE)


def _is_palindrome(digits: list[int]) -> bool:
    return digits == digits[::-1]


def _all_completed(rows: list[list[int]], labels: list[int]) -> bool:
    """True if each label completes the palindrome that its row began."""
    pairs = list(zip(rows, labels, strict=True))
    return bool(pairs) and all(_is_palindrome([*row, label]) for row, label in pairs)


def _is_near_one(number: float, tolerance: float) -> bool:
    return abs(number - 1) < tolerance


def _largest_difference(drawn: Sequence[float], real: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(drawn, real, strict=True))


# Faults of any part.


@fault(
    "identity",
    "none of these is among those",
    "missing-file does-not-run parameter-not-learnable uninitialised-weight "
    "nonzero-initial-state does-not-learn dead-parameter wrong-optimiser wrong-loss",
)
def _are_disjoint(these: list[Any], those: list[Any]) -> object:
    return these and not set(these) & set(those)


@fault("identity", "some of these are among those", "gradients-not-cleared missing-detach")
def _share_some(these: list[Any], those: list[Any]) -> object:
    return set(these) & set(those)


@fault(
    "identity",
    "these two should be the same",
    "wrong-shape wrong-loss loss-not-last-step batchnorm-mode",
)
def _differ(one: object, other: object) -> object:
    return one != other


@fault(
    "experiment",
    "one of them works, the other does not",
    "fixed-batch-size fixed-sequence-length fixed-device",
)
def _one_fails(works: object, fails: object) -> object:
    return works != fails


@fault(
    "read",
    "the text says so",
    "does-not-import not-written forbidden-module doubtful-record",
)
def _is_written(text: str) -> object:
    return text.strip()


@fault(
    "experiment",
    "it happened when it was tried",
    "does-not-import not-written fixed-device forbidden-module time-limit "
    "length-overflow missing-detach wrong-loss",
)
def _happened(happened: object) -> object:
    return happened


@fault(
    "experiment",
    "it stops there when it is run as it is, too",
    "does-not-run does-not-import missing-folder",
)
def _fails_again(said: str, where: Place, again: str, there: Place) -> object:
    """The same line, or the same words elsewhere, as where it is mended."""
    words = again.partition("\n")[0][:SAID]
    return where == there or bool(words and words in said)


@fault("experiment", "the limit was used up", "time-limit length-overflow")
def _is_used_up(cpu: float, limit: float) -> object:
    return cpu >= 0.9 * limit


@fault("experiment", "it was run, and that never happened", "not-watched does-not-learn")
def _never_happened(ran: str, times: int) -> object:
    return ran and times == 0


# Faults of the data set.


@fault("identity", "these are no palindrome", "not-a-palindrome")
def _is_no_palindrome(digits: list[int], label: int) -> object:
    is_digit = min(*digits, label) >= 0 and max(*digits, label) <= 9
    return not is_digit or not _is_palindrome(digits[1:])


@fault("experiment", "what is read does not grow with T", "not-a-palindrome")
def _does_not_grow(reads: Mapping[str, int]) -> object:
    differences = {count - int(length) for length, count in reads.items()}
    return len(differences) > 1


@fault("identity", "each of these rows ends with its answer", "answer-in-input")
def _answer_is_read(rows: list[list[int]], labels: list[int]) -> bool:
    """Each row ends with the digit that is to be predicted, as part of a palindrome."""
    if all(map(_is_palindrome, rows)):
        return True
    for row, label in zip(rows, labels, strict=True):
        if row[-1] != label or not _is_palindrome(row[:-1]):
            return False
    return True


@fault("identity", "another digit completes it", "wrong-label wrong-loss")
def _is_completed_otherwise(digits: list[int], label: int) -> object:
    return _is_palindrome(digits[1:]) and digits[0] != label


@fault("identity", "by chance that is rarer than one in a milliard", "missing-digits")
def _is_missing(counts: list[int]) -> object:
    return 0 in counts and 10 * 0.9 ** sum(counts) < CHANCE


@fault("experiment", "it works up to 9 digits, and not there", "length-overflow")
def _fails_if_long(length: int, problem: str) -> object:
    return length > 36 and problem


@fault("identity", "both have these", "split-leak tests-on-training-data")
def _are_shared(shared: int, of: int) -> object:
    return 0 < shared <= of


# Faults of the LSTM.


@fault(
    "reproduced",
    "the equations with this deviation give the same logits, without it others",
    "wrong-equation state-not-carried nonzero-initial-state loss-not-last-step",
)
def _is_reproduced(inputs: int, error: float, without: float) -> object:
    return inputs > 0 and error <= EXACT < without


@fault("identity", "with the weights of all other steps the logits are others", "wrong-equation")
def _some_step_differs(inputs: int, worst: float) -> object:
    return inputs > 0 and worst > EXACT


@fault("identity", "so few numbers cannot be four gates", "wrong-equation")
def _has_few_weights(weights: int, n: int) -> object:
    return weights < 4 * n * n


@fault("identity", "no reading of its four gates gives its logits", "wrong-equation")
def _has_no_reading(readings: int, nearest: float) -> object:
    return readings and nearest > EXACT


@fault("experiment", "another digit there changes nothing", "loss-not-last-step")
def _is_unread(changed: str, difference: float) -> object:
    return changed and difference == 0


@fault(
    "identity",
    "the numbers of a column add up to 1, those of a row do not",
    "wrong-equation softmax-before-loss wrong-loss",
)
def _is_over_batch(columns: list[float], row: float) -> object:
    return all(_is_near_one(total, 2e-3) for total in columns) and abs(row - 1) > 2e-3


@fault("identity", "only a start that is not zero does this", "nonzero-initial-state")
def _does_not_start_at_zero(first: float, allowed: float) -> object:
    return first > allowed


@fault(
    "experiment",
    "the same input, and another answer",
    "nonzero-initial-state parameter-not-learnable",
)
def _does_not_repeat(difference: float, cause: object) -> object:
    return difference > 1e-6


@fault("identity", "its slope is not its gradient", "broken-gradient")
def _is_cut(slopes: list[tuple[float, float]], largest: float) -> object:
    for gradient, slope in slopes:
        if abs(gradient - slope) > 0.05 * abs(slope) + 0.01 * largest:
            return True
    return False


@fault("identity", "moving it changes nothing", "dead-parameter")
def _is_dead(slopes: list[tuple[float, float]], largest: float) -> object:
    for gradient, slope in slopes:
        if gradient or not abs(slope) < 1e-4 * largest + 1e-3:
            return False
    return True


@fault("experiment", "it was trained, and is wrong so often", "does-not-learn")
def _has_not_learnt(accuracy: float, steps: int) -> object:
    return accuracy < 0.9 and steps >= 300


# Faults of training, in either part of the assignment.


@fault("identity", "what it is given is no logarithm of probabilities", "wrong-loss")
def _are_no_logarithms(largest: float, sums: list[float]) -> object:
    return largest > 0 or any(abs(total - 1) > 1e-3 for total in sums)


@fault("identity", "these are probabilities", "softmax-before-loss")
def _are_probabilities(least: float, row_sums: list[float]) -> object:
    return least >= 0 and all(_is_near_one(total, 2e-3) for total in row_sums)


@fault("identity", "so many losses are in one pass", "loss-not-last-step")
def _are_in_one_pass(losses: list[int], passes: int) -> object:
    return len(losses) > 1 == passes


@fault("identity", "the loss has the value of these steps, not of the last", "loss-not-last-step")
def _is_of_steps(value: float, of_steps: float) -> object:
    return abs(value - of_steps) < 1e-3 * (1 + abs(value))


@fault("identity", "it starts from the negative", "does-not-learn")
def _is_negative(start: float, loss: float) -> object:
    return loss > 0 and abs(start + loss) <= 1e-3 * (1 + loss)


@fault("identity", "no weight can move well at this rate", "does-not-learn")
def _is_bad_rate(rate: float) -> object:
    return not 1e-6 <= rate <= 0.2


@fault("identity", "one step moves both", "wrong-optimiser")
def _moves_both(moved: list[int], one: list[int], other: list[int]) -> object:
    return set(moved) & set(one) and set(moved) & set(other)


@fault("identity", "its passes push the same output both ways", "gradients-not-cleared")
def _push_both_ways(pushes: list[float]) -> object:
    return min(pushes) < 0 < max(pushes)


@fault("identity", "no gradient that a step uses was clipped", "clipping-without-effect")
def _none_was_clipped(clips: list[tuple[bool, bool]]) -> object:
    return clips and not any(fresh and kept for fresh, kept in clips)


# Faults of the GAN.


@fault("identity", "such moments are not those of N(0, 1)", "wrong-noise")
def _is_not_normal(n: int, mean: float, deviation: float, fourth: float) -> object:
    return not is_normal(n, mean, deviation, fourth)


@fault("identity", "one z in all steps", "wrong-noise")
def _is_one_noise(different: int, steps: int) -> object:
    return different == 1 and steps >= 3


@fault("identity", "no image of MNIST has so many pixels", "wrong-shape")
def _is_no_image(pixels: int) -> object:
    return pixels < PIXELS or pixels % PIXELS


@fault("experiment", "larger noise gives larger images", "output-range")
def _grows_with_noise(near: float, far: float) -> object:
    return far > 5 * near > 5


@fault("identity", "the ranges are far apart", "output-range")
def _are_far_apart(drawn: list[float], real: list[float]) -> object:
    return _largest_difference(drawn, real) > 0.3 * (drawn[1] - drawn[0])


@fault("identity", "what passes the sigmoid lies between 0 and 1 already", "sigmoid-twice")
def _is_squashed(least: float, largest: float) -> object:
    return least >= 0 and largest <= 1


@fault("identity", "it gives 1 whatever it sees", "wrong-loss")
def _gives_one(outputs: list[float]) -> object:
    return set(outputs) == {1}


@fault("identity", "both losses pull the wrong way", "wrong-direction")
def _pull_wrongly(real: int, drawn: int, wanted: int) -> object:
    return real * drawn > 0 or real * wanted < 0


@fault("identity", "a term is lacking", "one-sided-loss")
def _lacks_term(real: int, drawn: int, steps: int) -> object:
    return steps and not (real and drawn)


@fault("experiment", "all that may draw has run, and no line was drawn", "missing-interpolation")
def _no_line_was_drawn(ended: str, lines: int, unseen: int) -> object:
    return ended == "finished" and lines == unseen == 0


@fault(
    "identity",
    "the points are not nine in equal steps from one sample to the other",
    "wrong-interpolation interpolation-repeats-ends",
)
def _is_no_line(steps: list[float], repeats: object, misses: object) -> object:
    return len(steps) != 8 or repeats or misses or max(steps) > 3 * min(steps)


@fault("experiment", "both ends are clearly of one class", "same-class-ends")
def _are_of_one_class(classes: list[int], sure: list[float]) -> object:
    return classes[0] == classes[1] and min(sure) > 0.9


# What is right with the data set.


@right(
    "identity",
    "each label completes a palindrome, and is not read before",
    "not-a-palindrome wrong-label answer-in-input",
)
def _are_palindromes(rows: list[list[int]], labels: list[int], different: int) -> object:
    is_completed = _all_completed(rows, labels) and not _answer_is_read(rows, labels)
    return is_completed and different >= FEW_ITEMS


@right("identity", "each digit is ten numbers of float32, of which one is 1", "")
def _are_one_hot(one_hot: list[list[float]], dtype: str) -> object:
    if dtype != "float32" or not one_hot:
        return False
    return all(len(row) == 10 and sum(row) == max(row) == 1 for row in one_hot)


@right("identity", "each digit was seen", "missing-digits")
def _was_each_seen(counts: list[int]) -> object:
    return min(counts) > 0


@right("identity", "these are palindromes of more digits than a number holds", "length-overflow")
def _are_long(lengths: list[int], rows: list[list[int]], labels: list[int]) -> object:
    if not (_all_completed(rows, labels) and min(lengths) > 36):
        return False
    return {*lengths} == {len(row) + 1 for row in rows}


right("identity", "sets that are drawn independently would share some", "split-leak")(are_apart)


# What is right with the LSTM.


@right(
    "identity",
    "the equations give the same logits, in all of these sequences",
    "wrong-equation nonzero-initial-state state-not-carried",
)
def _follows_the_equations(inputs: int, lengths: list[int], state: float, worst: float) -> object:
    is_large = state >= min(LARGE_STATE, max(lengths) / LARGE_STATE)  # no limit was in the way
    return inputs > 0 and is_large and worst <= EXACT


@right("experiment", "it gives logits for all of these", "fixed-batch-size fixed-sequence-length")
def _takes_all_sizes(batches: list[int], lengths: list[int]) -> object:
    return len({*batches}) >= 3 and len({*lengths}) >= 3


@right("experiment", "no tensor stays where it was", "fixed-device")
def _moves(tensors: int, left: list[Any] | None) -> object:
    return tensors > 0 and not left


@right(
    "identity",
    "each gradient is its slope, and none is zero",
    "parameter-not-learnable dead-parameter broken-gradient",
)
def _are_slopes(slopes: list[tuple[float, float]], largest: float) -> object:
    for gradient, slope in slopes:
        if _is_dead([(gradient, slope)], largest):
            return False
        if abs(gradient - slope) > 0.05 * abs(slope) + 0.01 * largest + 1e-3:
            return False
    return bool(slopes)


@right("experiment", "it was trained, and is seldom wrong", "does-not-learn")
def _has_learnt(accuracy: float, steps: int) -> object:
    return accuracy >= 0.9 and steps > 0


# What is right with the training of the LSTM.


@right("identity", "it is one of these", "wrong-optimiser")
def _is_rmsprop(classes: list[str]) -> object:
    return "RMSprop" in classes


@right(
    "identity",
    "no step has used a gradient twice",
    "gradients-not-cleared does-not-learn",
)
def _are_cleared(steps: int, stale: int) -> object:
    return steps > 1 and not stale


@right("identity", "a fresh gradient was clipped", "clipping-without-effect")
def _was_clipped(clips: list[tuple[bool, bool]]) -> object:
    return any(fresh and kept for fresh, kept in clips)


@right(
    "identity",
    "what it takes are no probabilities, and were none",
    "wrong-loss loss-not-last-step softmax-before-loss",
)
def _are_logits(least: float, row_sums: list[float], softmax: bool) -> object:
    if softmax or not row_sums:
        return False
    return least < 0 or any(abs(total - 1) > 2e-3 for total in row_sums)


@right(
    "identity",
    "what it takes are logarithms of probabilities",
    "wrong-loss loss-not-last-step softmax-before-loss",
)
def _are_logarithms(largest: float, sums: list[float]) -> object:
    return largest <= 1e-6 and sums and all(_is_near_one(total, 2e-3) for total in sums)


@right(
    "identity",
    "both have one value",
    "wrong-loss loss-not-last-step softmax-before-loss",
)
def _is_entropy(value: float, entropy: float) -> object:
    return abs(value - entropy) <= 1e-3 * (1 + abs(value))


# What is right with the GAN.


@right("identity", "such moments may be those of N(0, 1), and not one z was seen", "wrong-noise")
def _may_be_normal(n: int, mean: float, deviation: float, fourth: float, different: int) -> object:
    return different > 1 and is_normal(n, mean, deviation, fourth)


@right(
    "identity",
    "the ranges and the numbers of pixels are alike",
    "wrong-shape output-range",
)
def _are_alike(drawn: list[float], real: list[float], pixels: int) -> object:
    return pixels and _largest_difference(drawn, real) <= 0.3 * (drawn[1] - drawn[0])


@right("identity", "each loss gets what it is made for", "wrong-loss sigmoid-twice")
def _suit(losses: list[Loss], squashed: bool) -> object:
    return losses and all(_suits(*loss, squashed) for loss in losses)


def _suits(name: str, least: float, largest: float, squashed: bool) -> bool:
    """True if a loss gets the numbers that it is made for: logits, or probabilities."""
    if name == "binary_cross_entropy_with_logits":
        return not squashed
    return name != "binary_cross_entropy" or (least >= 0 and largest <= 1)


@right(
    "identity",
    "each step moves its own network by fresh gradients",
    "missing-detach gradients-not-cleared dead-parameter wrong-optimiser",
)
def _move_their_own(
    moved: list[int], both: object, stale: object, foreign: object, idle: object
) -> object:
    return min(moved) > 0 and not (both or stale or foreign or idle)


@right(
    "identity",
    "the losses pull apart, and the generator's to the real images",
    "wrong-direction one-sided-loss wrong-loss sigmoid-twice",
)
def _pull_apart(real: int, drawn: int, wanted: int, means: list[float]) -> object:
    return wanted == real != drawn or is_pulled(means)


@right("identity", "none of these layers depends on the mode", "batchnorm-mode")
def _do_not_depend_on_mode(layers: list[str]) -> object:
    return not any("BatchNorm" in layer for layer in layers)


@right("identity", "no sample was drawn in training mode", "batchnorm-mode")
def _were_evaluated(training: list[bool]) -> object:
    return training and not any(training)


@right(
    "identity",
    "nine points in equal steps, the first and the last of them samples",
    "missing-interpolation wrong-interpolation interpolation-repeats-ends",
)
def _is_line(steps: list[float], repeats: object, samples: list[bool]) -> object:
    if len(steps) != 8 or repeats or not all(samples):
        return False
    return max(steps) <= 3 * min(steps)


@right("experiment", "in no try both ends were clearly of one class", "same-class-ends")
def _never_of_one_class(tries: list[tuple[int, int, float]]) -> object:
    if len(tries) < 48:
        return False
    return all(one != other or sure <= 0.9 for one, other, sure in tries)
