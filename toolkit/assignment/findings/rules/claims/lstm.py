"""Claims about a submission's LSTM.

Two sets of logits count as equal if they differ only by a constant in each row. The error of a set
of logits is the largest absolute difference from the network's logits, divided by 1 plus the
largest absolute value among the logits.
"""

from collections.abc import Sequence

from toolkit.assignment.findings.rules.claims.claim import proves, rules_out

EXACT = 2e-3  # with at most this error, float32 logits count as the same
LARGE_STATE = 3.0  # of c(t): only a network that is read in few steps may stay below
LEARNT = 0.9  # an accuracy at T = 5 that only a network that learns reaches
MANY_STEPS = 300  # of training, in which a right LSTM learns
Slopes = Sequence[Sequence[float]]  # of pairs: the gradient of a parameter, and its slope


def _is_cut(gradient: float, slope: float, tolerance: float) -> bool:
    return abs(gradient - slope) > 0.05 * abs(slope) + tolerance


def _is_dead(gradient: float, slope: float, largest: float) -> bool:
    return gradient == 0 and abs(slope) < 1e-4 * largest + 1e-3


# Faults of the equations.


@proves(
    "reproduced",
    "wrong-equation",
    "state-not-carried",
    "nonzero-initial-state",
    "loss-not-last-step",
)
def deviation_is_reproduced(inputs: int, error: float, without: float) -> bool:
    """The equations give the network's logits only if they include the reported mistake."""
    return inputs > 0 and error <= EXACT < without


@proves("identity", "wrong-equation")
def some_step_differs(inputs: int, worst: float) -> bool:
    """For some input, the network's logits are not those of the equations with its weights."""
    return inputs > 0 and worst > EXACT


@proves("identity", "wrong-equation")
def has_too_few_weights(weights: int, n: int) -> bool:
    """The matrices have fewer than 4 n^2 entries in all, too few for W_gh, W_ih, W_fh and W_oh."""
    return weights < 4 * n * n


@proves("identity", "wrong-equation")
def no_reading_fits(readings: int, nearest: float) -> bool:
    """No assignment of the gates to g, i, f and o makes the equations give the network's logits."""
    return readings > 0 and nearest > EXACT


@proves("experiment", "loss-not-last-step")
def last_digit_is_not_read(changed: str, difference: float) -> bool:
    """The logits stay the same when the last digit is changed."""
    return bool(changed) and difference == 0


@proves("identity", "nonzero-initial-state")
def does_not_start_at_zero(first: float, allowed: float) -> bool:
    """At the first step, a gate or c(1) differs from its value for h(0) = c(0) = 0."""
    return first > allowed


@proves("experiment", "nonzero-initial-state", "parameter-not-learnable")
def answers_differ(difference: float, cause: object) -> bool:
    """When the network reads the same input twice, the logits differ."""
    return difference > 1e-6


# Faults of the parameters.


@proves("identity", "broken-gradient")
def gradient_is_no_slope(slopes: Slopes, largest: float) -> bool:
    """A parameter's gradient differs by more than 5% from the measured slope of the output."""
    return any(_is_cut(gradient, slope, 0.01 * largest) for gradient, slope in slopes)


@proves("identity", "dead-parameter")
def moving_changes_nothing(slopes: Slopes, largest: float) -> bool:
    """For each reported parameter, the gradient and the measured slope of the output are both 0."""
    return all(_is_dead(gradient, slope, largest) for gradient, slope in slopes)


@proves("experiment", "does-not-learn")
def is_wrong_after_training(accuracy: float, steps: int) -> bool:
    """After at least 300 training steps, the accuracy is below 90%."""
    return accuracy < LEARNT and steps >= MANY_STEPS


# What is right.


@rules_out("identity", "wrong-equation", "nonzero-initial-state", "state-not-carried")
def follows_equations(
    inputs: int, lengths: Sequence[int], state: float, worst: float, output: str
) -> bool:
    """Equations (1) to (7) give the same logits as the network for all the sequences in the check.

    Some of these sequences make c(t) so large that a limit on c(t) in the network's code, such as
    clipping, would change the logits. If the network returns probabilities or their logarithms, the
    inputs of its softmax count as its logits.
    """
    is_large = state >= min(LARGE_STATE, max(lengths) / LARGE_STATE)
    is_known = output in ("logits", "probabilities", "logarithms")
    return inputs > 0 and is_large and worst <= EXACT and is_known


@rules_out("experiment", "fixed-batch-size", "fixed-sequence-length")
def takes_all_sizes(batches: Sequence[int], lengths: Sequence[int]) -> bool:
    """The LSTM gives logits for at least three batch sizes and at least three lengths."""
    return len(set(batches)) >= 3 and len(set(lengths)) >= 3


@rules_out("experiment", "fixed-device")
def all_tensors_move(tensors: int, left: Sequence[object] | None) -> bool:
    """No tensor stays on the CPU when the LSTM is moved to another device."""
    return tensors > 0 and not left


@rules_out("identity", "parameter-not-learnable", "dead-parameter", "broken-gradient")
def gradients_are_slopes(slopes: Slopes, largest: float) -> bool:
    """Each parameter's gradient equals the measured slope of the output, and no gradient is 0."""
    for gradient, slope in slopes:
        if _is_dead(gradient, slope, largest) or _is_cut(gradient, slope, 0.01 * largest + 1e-3):
            return False
    return bool(slopes)


@rules_out("experiment", "does-not-learn")
def is_right_after_training(accuracy: float, steps: int) -> bool:
    """After training, the accuracy is 90% or more."""
    return accuracy >= LEARNT and steps > 0
