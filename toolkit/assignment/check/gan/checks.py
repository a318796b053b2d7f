"""Checks of a student's `my_gan.py`."""

import math
from pathlib import Path

import torch
import torchvision.datasets
from torch import Tensor, nn

from toolkit.assignment.check.channel import Channel
from toolkit.assignment.check.gan.interpolation import check_interpolation
from toolkit.assignment.check.gan.stand_ins import FewDigits
from toolkit.assignment.check.student.scripts import watch_script
from toolkit.assignment.check.student.training import Output, TrainingRecorder

MAX_STEPS = 20  # of both optimisers together: two epochs of 64 images at a time, and some
MAX_SECONDS = 15.0
PIXELS = 784
NORM = (nn.BatchNorm1d, nn.BatchNorm2d)


def check(file: Path, channel: Channel) -> None:
    """Run the file for a few steps on a few images; look at both players; interpolate."""
    channel.doing("the first steps of my_gan.py")
    torchvision.datasets.MNIST = FewDigits
    torchvision.datasets.mnist.MNIST = FewDigits
    recorder = watch_script(file, MAX_STEPS, MAX_SECONDS, channel)
    generator = _player(recorder, "gen", PIXELS)
    discriminator = _player(recorder, "disc", 1)
    if not channel.faults and (generator is None or discriminator is None):
        message = "No networks called Generator and Discriminator were seen in training."
        channel.fault("not-watched", message)
    if generator is None:
        return
    drawn = [o for o in recorder.outputs if o.network is generator]
    seen = [o for o in recorder.outputs if o.network is discriminator]
    _check_noise(drawn, channel)
    _check_range(generator, drawn, seen, channel)
    if discriminator is None:
        return
    _check_logits(recorder, seen, channel)
    _check_gradients(generator, discriminator, recorder, channel)
    _check_mode(generator, drawn, channel)
    channel.doing("interpolating")
    image = next((o.output[0] for o in drawn if _is_batch(o.output)), None)
    if image is not None and image.numel() == PIXELS:
        check_interpolation(file, generator, image, channel)


def _player(recorder: TrainingRecorder, word: str, numbers: int) -> nn.Module | None:
    """The network that is called so (G and D will do), else one that gives so many numbers each."""
    for network in recorder.networks:
        name = type(network).__name__.lower()
        if word in name or name in (word[0], "net" + word[0]):
            return network
    for seen in recorder.outputs:
        shape = seen.output.shape if isinstance(seen.output, Tensor) else ()
        if shape and math.prod(shape[1:]) == numbers:
            return seen.network
    return None


def _check_noise(drawn: list[Output], channel: Channel) -> None:
    """z ~ N(0, 1): mean 0, variance 1, and the fourth moment 3 that a uniform lacks."""
    drawn = [o for o in drawn if isinstance(o.input, Tensor)]
    z = torch.cat([o.input.flatten() for o in drawn])
    if len(z) < 1000:
        channel.not_seen("Too little noise was seen to tell its distribution.")
        return
    if _is_normal(z):
        channel.right("The noise is standard normal.")
        return
    mean, deviation, kurtosis = _moments(z)
    odd = next((o for o in drawn if not _is_normal(o.input)), drawn[0])
    channel.fault(
        "wrong-noise",
        f"The noise has mean {mean:.2f}, standard deviation {deviation:.2f} and fourth moment "
        f"{kurtosis:.1f}; a standard normal has 0, 1 and 3.",
        at=odd,
    )


def _moments(z: Tensor) -> tuple[float, float, float]:
    """Mean, standard deviation, and the mean fourth power of what these make standard."""
    z = z.double()
    mean, deviation = z.mean(), z.std().clamp_min(1e-9)
    return float(mean), float(deviation), float((((z - mean) / deviation) ** 4).mean())


def _is_normal(z: Tensor) -> bool:
    mean, deviation, kurtosis = _moments(z)
    return abs(mean) < 0.1 and abs(deviation - 1) < 0.1 and 2.5 < kurtosis < 3.5


@torch.no_grad()
def _check_range(
    generator: nn.Module, drawn: list[Output], seen: list[Output], channel: Channel
) -> None:
    """Drawn images have the shape and the range of the real ones."""
    first = next((o for o in drawn if _is_batch(o.input) and _is_batch(o.output)), None)
    if first is None or first.output[0].numel() != PIXELS:
        shape = None if first is None else tuple(first.output.shape)
        message = f"The generator returns {shape}, not images of 28 x 28."
        channel.fault("wrong-shape", message, at=first)
        return
    real = [o.input for o in seen if isinstance(o.input, Tensor)]
    lows = sorted({round(float(x.min()), 2) for x in real if not _is_drawn(x, drawn)})
    low_real = lows[0] if lows else None
    generator.eval()
    scales = (1.0, 30.0, 1000.0)
    extreme = torch.cat([generator(scale * first.input, *first.more) for scale in scales])
    low, high = float(extreme.min()), float(extreme.max())
    if low < -1.01 or high > 1.01:
        channel.fault(
            "output-range",
            f"The generator's images are not bounded: values from {low:.1f} to {high:.1f} came "
            "out. Which function ends it, and which range do the real images have?",
            at=drawn[0],
        )
    elif low_real is not None and (low < -0.5) != (low_real < -0.5):
        channel.fault(
            "output-range",
            f"Drawn images go down to {low:.0f}, real ones to {low_real:.0f}: the discriminator "
            "tells them by that alone. Which range does the generator's last layer give, and which "
            "do the data have?",
            at=drawn[0],
        )
    else:
        channel.right("Drawn images are 28 x 28 and have the range of the real ones.")


def _is_batch(x: object) -> bool:
    return isinstance(x, Tensor) and x.dim() > 1


def _is_drawn(x: Tensor, drawn: list[Output]) -> bool:
    return any(
        isinstance(o.output, Tensor)
        and o.output.numel() == x.numel()
        and torch.equal(o.output.flatten(), x.flatten())
        for o in drawn
    )


def _check_logits(recorder: TrainingRecorder, seen: list[Output], channel: Channel) -> None:
    """BCEWithLogits has the sigmoid inside; BCE wants it outside."""
    outputs = [o.output for o in seen if isinstance(o.output, Tensor)]
    squashed = all(bool((x >= 0).all()) and bool((x <= 1).all()) for x in outputs)
    for loss in recorder.losses:
        if loss.name == "binary_cross_entropy_with_logits" and squashed and len(outputs) > 3:
            channel.fault(
                "sigmoid-twice",
                "The discriminator's outputs all lie between 0 and 1, and this loss applies a "
                "sigmoid once more. It takes logits.",
                equation=10,
                at=loss,
            )
            return


def _check_gradients(
    generator: nn.Module, discriminator: nn.Module, recorder: TrainingRecorder, channel: Channel
) -> None:
    """Each player's step moves that player, by its own loss, and by nothing older."""
    ids = {id(p) for p in generator.parameters()}
    theirs = {id(p) for p in discriminator.parameters()}
    steps_g = [u for u in recorder.updates if _holds(u.optimizer, ids)]
    steps_d = [u for u in recorder.updates if _holds(u.optimizer, theirs)]
    if not steps_g or not steps_d:
        if recorder.num_backward and not channel.has("does-not-run", "missing-detach"):
            who = "generator" if not steps_g else "discriminator"
            channel.fault("does-not-learn", f"In the first steps no optimiser moves the {who}.")
        return
    if any(_holds(u.optimizer, theirs) for u in steps_g):
        message = "One optimiser holds both networks: the generator's step trains its opponent too."
        step = steps_g[0]
        channel.fault("wrong-optimiser", message, equation=10, at=step)
        return
    good = True
    if not all(u.passes for u in steps_g):
        good = False
        channel.fault(
            "dead-parameter",
            "No gradient reaches the generator in its own step. Is the drawn image cut off "
            "(detach, no_grad, .data) on its way to the discriminator?",
            at=steps_g[0],
        )
    players = {id(u.optimizer) for u in steps_d}
    leaked = [p for p in recorder.reached(ids) if recorder.first_user(p) in players]
    if leaked:
        good = False
        channel.fault(
            "missing-detach",
            "The discriminator's loss sends gradients into the generator. In its step the drawn "
            "images are data: what cuts them off from the network that drew them?",
            equation=10,
            at=steps_d[0],
        )
    for who, steps in (("generator", steps_g), ("discriminator", steps_d)):
        stale = next((u for u in steps if u.old), None)
        if stale is not None and not (leaked and who == "generator"):
            good = False
            channel.fault(
                "gradients-not-cleared",
                f"When the {who} steps, its gradients still hold those of an earlier pass. What "
                "must happen between that pass and its own backward?",
                at=stale,
            )
    if good:
        channel.right(
            "Each player is moved by its own loss, and the gradient reaches the generator."
        )


def _holds(optimizer: torch.optim.Optimizer, ids: set[int]) -> bool:
    return any(id(p) in ids for group in optimizer.param_groups for p in group["params"])


def _check_mode(generator: nn.Module, drawn: list[Output], channel: Channel) -> None:
    """Batch norm: batch statistics while training, running ones while sampling."""
    if not any(isinstance(m, NORM) for m in generator.modules()):
        return
    sampled = [o for o in drawn if not o.grad]
    trained = [o for o in drawn if o.grad]
    wrong = [o for o in sampled if o.training and not _feeds_training(o, trained)]
    if wrong:
        channel.fault(
            "batchnorm-mode",
            "Samples are drawn in training mode, so batch norm mixes the images of a batch. Which "
            "mode is for drawing, and which must come back before training goes on?",
            at=wrong[0],
        )
    elif trained and not all(o.training for o in trained[1:]):
        late = next(o for o in trained[1:] if not o.training)
        channel.fault(
            "batchnorm-mode",
            "The generator is trained in evaluation mode: after drawing samples it was not put "
            "back.",
            at=late,
        )
    elif sampled:
        channel.right("Samples are drawn in evaluation mode.")
    else:
        channel.not_seen("No sampling was seen in the first steps, so its mode was not looked at.")


def _feeds_training(output: Output, trained: list[Output]) -> bool:
    """Whether the same line also draws for the discriminator's step, under no_grad."""
    size = len(trained[0].output) if trained else 0
    return len(output.output) == size and size not in (9, 25)
