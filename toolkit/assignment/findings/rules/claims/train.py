"""Claims about the training of a submission's LSTM."""

from collections.abc import Sequence

from toolkit.assignment.findings.rules.claims.claim import proves, rules_out
from toolkit.assignment.findings.rules.claims.shared import NEAR_ONE, is_near_one

Clips = Sequence[Sequence[bool]]  # of pairs: the gradient was fresh, and a step used it
ROUNDING = 1e-3  # of a loss, relative to it


def _has_useful_clip(clips: Clips) -> bool:
    return any(fresh and kept for fresh, kept in clips)


def _are_equal(loss: float, expected: float) -> bool:
    return abs(loss - expected) <= ROUNDING * (1 + abs(loss))


# Faults of the loss.


@proves("identity", "wrong-loss")
def are_no_log_probabilities(largest: float, sums: Sequence[float]) -> bool:
    """An input to the loss is positive, or the exponentials of a row do not add up to 1."""
    return largest > 0 or any(abs(total - 1) > 1e-3 for total in sums)


@proves("identity", "softmax-before-loss")
def softmax_is_taken_twice(once: float, twice: float) -> bool:
    """The loss gets the log_softmax of the network's probabilities, not their logarithms."""
    return twice < 1e-5 and once > 1e-3


@proves("identity", "softmax-before-loss")
def are_probabilities(least: float, row_sums: Sequence[float]) -> bool:
    """No input to the loss is negative, and each row adds up to 1."""
    return least >= 0 and all(map(is_near_one, row_sums))


@proves("identity", "loss-not-last-step")
def losses_share_a_pass(losses: Sequence[int], passes: int) -> bool:
    """One backward pass starts from a combination of several losses."""
    return len(losses) > 1 == passes


@proves("identity", "wrong-optimiser")
def optimiser_is_always_new(steps: Sequence[int], made: Sequence[int]) -> bool:
    """There are at least three optimiser steps, and each of them has a new optimiser."""
    gaps = range(1, len(steps))
    kept = [k for k in gaps if not any(steps[k - 1] < index < steps[k] for index in made)]
    return len(steps) >= 3 and not kept


@proves("identity", "wrong-loss")
def softmax_is_over_batch(values: Sequence[float], entropies: Sequence[float]) -> bool:
    """At least two losses, not all equal, are cross-entropies with a softmax over the batch."""
    if len(values) < 2 or len(set(values)) < 2:
        return False
    return all(map(_are_equal, values, entropies))


@proves("identity", "loss-not-last-step")
def is_loss_of_steps(value: float, of_steps: float) -> bool:
    """The loss is the cross-entropy of an earlier time step's output, or of the mean output."""
    return abs(value - of_steps) < ROUNDING * (1 + abs(value))


@proves("identity", "does-not-learn")
def loss_is_negated(start: float, loss: float) -> bool:
    """The backward pass starts from the negative cross-entropy."""
    return loss > 0 and abs(start + loss) <= ROUNDING * (1 + loss)


# Faults of the steps.


@proves("identity", "does-not-learn")
def rate_is_out_of_range(rate: float) -> bool:
    """The learning rate is below 1e-6 or above 0.2."""
    return not 1e-6 <= rate <= 0.2


@proves("identity", "clipping-without-effect")
def no_clip_is_used(clips: Clips) -> bool:
    """The code clips gradients, but never between a backward pass and the step that uses them."""
    return bool(clips) and not _has_useful_clip(clips)


# What is right.


@rules_out("identity", "wrong-optimiser")
def is_rmsprop(classes: Sequence[str]) -> bool:
    """The optimiser is RMSprop or a subclass of RMSprop."""
    return "RMSprop" in classes


@rules_out("identity", "gradients-not-cleared", "does-not-learn")
def gradients_are_cleared(steps: int, stale: int) -> bool:
    """No optimiser step uses gradients that are left over from an earlier step."""
    return steps > 1 and stale == 0


@rules_out("identity", "clipping-without-effect")
def a_clip_is_used(clips: Clips) -> bool:
    """The code clips gradients between a backward pass and the step that uses them."""
    return _has_useful_clip(clips)


@rules_out("identity", "wrong-loss", "loss-not-last-step", "softmax-before-loss")
def are_logits(
    least: float, row_sums: Sequence[float], softmax: bool, rows: int, one_step: Sequence[int]
) -> bool:
    """The loss gets one row for each sequence, and no probabilities."""
    if softmax or not row_sums or rows not in one_step:
        return False
    return least < 0 or any(abs(total - 1) > NEAR_ONE for total in row_sums)


@rules_out("identity", "wrong-loss", "loss-not-last-step", "softmax-before-loss")
def are_log_probabilities(
    largest: float, sums: Sequence[float], rows: int, one_step: Sequence[int]
) -> bool:
    """The loss gets one row for each sequence, and the exponentials of a row add up to 1."""
    if largest > 1e-6 or not sums or rows not in one_step:
        return False
    return all(map(is_near_one, sums))


@rules_out("identity", "wrong-loss", "loss-not-last-step", "softmax-before-loss")
def is_cross_entropy(value: float, entropy: float) -> bool:
    """The loss is the cross-entropy of the output at the last time step."""
    return _are_equal(value, entropy)
