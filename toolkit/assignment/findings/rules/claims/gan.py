"""Claims about a submission's GAN and its training."""

import math
from collections.abc import Collection, Sequence

from toolkit.assignment.findings.rules.claims.claim import proves, rules_out

PULL = 0.6  # least share of the way from the push on drawn images to that on real images
PIXELS = 784  # of an image of MNIST
NUM_INTERVALS = 8  # between the nine points of an interpolation
UNEVEN = 3  # times the shortest step: neither rounding nor a curved path gives so much
SURE = 0.9  # the least probability of a clear class
MANY_TRIES = 48
Loss = tuple[str, float, float]  # name, and the range of its input


def is_normal(n: int, mean: float, deviation: float, fourth: float) -> bool:
    """True if n numbers with this mean, standard deviation and fourth moment may have been drawn
    from a standard normal distribution.

    Each moment may deviate from its expected value by six standard errors plus a margin. The fourth
    moment must deviate by less than 1.1, because a uniform distribution with variance 1 has a
    fourth moment of 1.8 instead of 3.
    """
    error = 6 / math.sqrt(n)
    near = abs(mean) < 0.05 + error and abs(deviation - 1) < 0.05 + 0.71 * error
    return near and abs(fourth - 3) < min(1.1, 0.2 + 4.9 * error)


def is_pulled(means: Sequence[float]) -> bool:
    """True if the generator's loss pushes D(G(z)) in much the same way as the discriminator's loss
    pushes D(x). This is the case if the third value of `means` lies more than 60% of the way from
    the second value to the first.

    The push of a loss on an output of D measures how strongly an optimiser step that follows from
    this loss should change the output. A positive push should raise the output, and a negative push
    should lower it. `means` holds three mean pushes, in this order: that of the discriminator's
    loss on D(x), that of the same loss on D(G(z)), and that of the generator's loss on D(G(z)).
    """
    real, drawn, wanted = means
    return (wanted - drawn) * (real - drawn) > PULL * (real - drawn) ** 2


def _largest_difference(drawn: Sequence[float], real: Sequence[float]) -> float:
    return max(abs(drawn[0] - real[0]), abs(drawn[1] - real[1]))


def _have_like_ranges(drawn: Sequence[float], real: Sequence[float]) -> bool:
    return _largest_difference(drawn, real) <= 0.3 * (drawn[1] - drawn[0])


# Faults of the noise and the images.


@proves("identity", "wrong-noise")
def is_not_normal(n: int, mean: float, deviation: float, fourth: float) -> bool:
    """The mean, standard deviation or fourth moment of the noise differs from that of N(0, I)."""
    return not is_normal(n, mean, deviation, fourth)


@proves("identity", "wrong-noise")
def is_always_the_same(different: int, steps: int) -> bool:
    """All steps use the same z, and there are at least three steps."""
    return different == 1 and steps >= 3


@proves("identity", "wrong-shape")
def is_no_image(pixels: int) -> bool:
    """The number of pixels is not a multiple of 28 x 28."""
    return pixels < PIXELS or pixels % PIXELS != 0


@proves("experiment", "output-range")
def grows_with_noise(near: float, far: float) -> bool:
    """With noise 30 times as large, the largest absolute pixel value is over 5 times as large."""
    return far > 5 * near > 5


@proves("identity", "output-range")
def ranges_differ(drawn: Sequence[float], real: Sequence[float]) -> bool:
    """The pixel ranges of generated and real images differ by more than 30%."""
    return _largest_difference(drawn, real) > 0.3 * (drawn[1] - drawn[0])


# Faults of the loss.


@proves("identity", "sigmoid-twice")
def lies_between_0_and_1(least: float, largest: float) -> bool:
    """The inputs of a loss that applies a sigmoid already lie between 0 and 1."""
    return least >= 0 and largest <= 1


@proves("identity", "wrong-loss")
def is_always_1(outputs: Collection[float]) -> bool:
    """The discriminator returns 1 for each image."""
    return set(outputs) == {1}


@proves("identity", "wrong-direction")
def losses_pull_wrongly(real: int, drawn: int, wanted: int) -> bool:
    """D's loss moves D(x) and D(G(z)) in the same direction, or G's moves D(G(z)) off D(x)."""
    return real * drawn > 0 or real * wanted < 0


@proves("identity", "one-sided-loss")
def lacks_a_term(real: int, drawn: int, steps: int) -> bool:
    """The discriminator's loss does not depend on D(x), or does not depend on D(G(z))."""
    return steps > 0 and not (real and drawn)


# Faults of the steps.


@proves("identity", "wrong-optimiser")
def a_step_moves_both(
    moved: Collection[int], generator: Collection[int], discriminator: Collection[int]
) -> bool:
    """One optimiser step changes parameters of both networks."""
    return not (set(moved).isdisjoint(generator) or set(moved).isdisjoint(discriminator))


@proves("identity", "gradients-not-cleared")
def passes_push_both_ways(pushes: Sequence[float]) -> bool:
    """In one discriminator step, some gradients would raise D(G(z)) and others would lower it."""
    return min(pushes) < 0 < max(pushes)


# Faults of the interpolation.


@proves("experiment", "missing-interpolation")
def no_line_was_drawn(ended: str, lines: int, unseen: int) -> bool:
    """All code that may generate images has run, but none of it interpolated in latent space."""
    return ended == "finished" and lines == 0 and unseen == 0


@proves("identity", "wrong-interpolation", "interpolation-repeats-ends")
def is_no_line(steps: Sequence[float], repeats: int, misses: bool) -> bool:
    """The path does not consist of nine equally spaced points from one sample to another."""
    if len(steps) != NUM_INTERVALS or repeats or misses:
        return True
    return max(steps) > UNEVEN * min(steps)


@proves("experiment", "same-class-ends")
def ends_have_one_class(classes: Sequence[int], sure: Sequence[float]) -> bool:
    """Both end images are classified as the same digit, each with a probability above 0.9."""
    return classes[0] == classes[1] and min(sure) > SURE


# What is right.


@rules_out("identity", "wrong-noise")
def may_be_normal(n: int, mean: float, deviation: float, fourth: float, different: int) -> bool:
    """The noise has the moments of N(0, I), and z is not the same in all steps."""
    return different > 1 and is_normal(n, mean, deviation, fourth)


@rules_out("identity", "wrong-shape", "output-range")
def images_are_alike(drawn: Sequence[float], real: Sequence[float], pixels: Sequence[int]) -> bool:
    """Generated and real images have the same size and pixel ranges within 30% of each other."""
    return bool(pixels) and _have_like_ranges(drawn, real)


@rules_out("identity", "wrong-loss", "sigmoid-twice")
def losses_get_what_they_expect(losses: Sequence[Loss], squashed: bool) -> bool:
    """Losses that expect logits get logits; losses that expect probabilities get probabilities."""
    return bool(losses) and all(_suits(loss, squashed) for loss in losses)


def _suits(loss: Loss, squashed: bool) -> bool:
    """True if a loss gets the kind of numbers that it expects: logits or probabilities."""
    name, least, largest = loss
    if name == "binary_cross_entropy_with_logits":
        return not squashed
    return name != "binary_cross_entropy" or (least >= 0 and largest <= 1)


@rules_out(
    "identity",
    "missing-detach",
    "gradients-not-cleared",
    "dead-parameter",
    "wrong-optimiser",
)
def each_moves_its_own(
    moved: Sequence[int], both: int, stale: int, foreign: int, idle: int
) -> bool:
    """Each step updates only one network, using only new gradients of that network's loss."""
    return min(moved) > 0 and both == stale == foreign == idle == 0


@rules_out("identity", "wrong-direction", "one-sided-loss", "wrong-loss", "sigmoid-twice")
def losses_pull_apart(real: int, drawn: int, wanted: int, means: Sequence[float]) -> bool:
    """D's loss moves D(x) and D(G(z)) apart, and G's loss moves D(G(z)) towards D(x)."""
    return wanted == real != drawn or is_pulled(means)


@rules_out("identity", "batchnorm-mode")
def has_no_batch_norm(layers: Collection[str]) -> bool:
    """The generator has no batch norm layer."""
    return not any("BatchNorm" in layer for layer in layers)


@rules_out("identity", "batchnorm-mode")
def samples_in_evaluation_mode(training: Sequence[bool]) -> bool:
    """No sample is generated in training mode."""
    return bool(training) and not any(training)


@rules_out("identity", "missing-interpolation", "wrong-interpolation", "interpolation-repeats-ends")
def is_line_of_nine(steps: Sequence[float], repeats: int, samples: Sequence[bool]) -> bool:
    """The path has nine equally spaced points, and its first and last points are samples."""
    if len(steps) != NUM_INTERVALS or repeats or not all(samples):
        return False
    return max(steps) <= UNEVEN * min(steps)


@rules_out("experiment", "same-class-ends")
def ends_never_have_one_class(tries: Sequence[tuple[int, int, float]]) -> bool:
    """In at least 48 tries, the two ends never show the same digit with p > 0.9."""
    if len(tries) < MANY_TRIES:
        return False
    return all(first != last or sure <= SURE for first, last, sure in tries)
